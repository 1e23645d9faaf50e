/**
 * The `adieu` command: reads arguments and configuration, runs one command, says what went wrong.
 *
 * Exit codes: 0 done, 1 failed or something is wrong with what was looked at, 2 wrong arguments. The one translator
 * of failures for the shell is here. Heavy commands are loaded when they are called, so that `--help` is quick.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { isFailure, SUPPRESSION_REASONS } from '@adieu/core';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { showConfig } from './commands/config.ts';
import type { DoctorOptions } from './commands/doctor.ts';
import type { ImportSuppressionsOptions } from './commands/import.ts';
import type { InspectOptions } from './commands/inspect.ts';
import { initKeys, rotate, showKeys } from './commands/keys.ts';
import type { SendOptions } from './commands/send.ts';
import { type Config, environment, readConfig, type Variable } from './config.ts';
import { problemsPage } from './config-page.ts';
import type { ConnectOptions } from './connection.ts';
import { redact } from './log.ts';
import type { Output } from './output.ts';
import { ROLES, type Role, readRoles } from './role.ts';

/** Runs the command of the arguments and answers its exit code. Serving commands end the process themselves. */
export async function run(argv: readonly string[]): Promise<number> {
  const state = { code: 0 };
  try {
    await buildProgram(state).parseAsync([...argv], { from: 'user' });
    return state.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`${complaint(error)}\n`);
    return 1;
  }
}

/** The broken configuration has been told in full; the rest is the exit code. */
class ConfigurationBroken extends Error {}

interface State {
  code: number;
}

function buildProgram(state: State): Command {
  const program = new Command('adieu')
    .description('An open email delivery pipeline in which every message carries its own way out.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(adieu --help shows how)')
    .exitOverride();
  const json = () => new Option('--json', 'answer as JSON').default(false);
  const server = () => new Option('--server <url>', 'default: the server of the data directory');
  const key = () =>
    new Option('--key <key>', 'API key; default: ADIEU_API_KEY or the one in the data directory');

  program
    .command('serve')
    .description('run the roles of this process until SIGTERM')
    .option('--roles <list>', `which of ${ROLES.join(', ')}, separated by commas`, asRoles, ROLES)
    .action(async ({ roles }: { roles: readonly Role[] }) => {
      const needed: Variable[] = roles.includes('worker') ? ['RELAY_URL'] : [];
      const config = configure(needed, roles);
      const { serve } = await import('./commands/serve.ts');
      await serve(config, roles);
    });

  program
    .command('demo')
    .description('run everything with a demo mailbox, and send a demo newsletter the first time')
    .action(async () => {
      const config = configure();
      const { demo } = await import('./commands/demo.ts');
      await demo(config);
    });

  program
    .command('send')
    .description(
      'send a template to a file of people through a running server, and wait until all is settled',
    )
    .argument('<template>', '.mjml or .html')
    .requiredOption(
      '--to <file>',
      'people: .csv with a header line, or .ndjson as POST /v1/profiles takes it',
    )
    .option('--subject <text>', 'subject; default: <mj-title> or <title>')
    .option('--preheader <text>', 'the line behind the subject')
    .option('--from <sender>', '"Name <hello@news.example.com>"; default: the configuration "newsletter"')
    .option('--configuration <name>', 'channel configuration to send through')
    .option('--create-subdomain', 'make the sending subdomain of --from where it is missing')
    .option('--list <name>', 'subscription list: only who is subscribed gets it')
    .option('--campaign <id>', 'campaign id, for reports and List-Id')
    .option('--dry-run', 'count who would be sent and who would not; send nothing, store no person', false)
    .addOption(server())
    .addOption(key())
    .addOption(json())
    .addHelpText('after', COLUMNS)
    .action(async (template: string, options: SendOptions) => {
      const config = configure();
      const { send } = await import('./commands/send.ts');
      const settled = await send(config, template, options);
      state.code = settled ? 0 : 1;
    });

  const imports = program.command('import').description('bring what another system knows');
  imports
    .command('suppressions')
    .description('suppressed addresses and domains from a CSV export, with a report on every line')
    .argument('<file>', 'export of another system, or one address a line')
    .option('--allowed', 'for the allowed list instead', false)
    .addOption(new Option('--reason <reason>', 'for lines that give none').choices(SUPPRESSION_REASONS))
    .option('--column <name>', 'the column of the addresses, where its name does not tell')
    .option('--dry-run', 'tell what would be done, and store nothing', false)
    .addOption(server())
    .addOption(key())
    .addOption(json())
    .addHelpText('after', SUPPRESSIONS)
    .action(async (file: string, options: ImportSuppressionsOptions) => {
      const config = configure();
      const { importSuppressions } = await import('./commands/import.ts');
      const taken = await importSuppressions(config, file, options);
      state.code = taken ? 0 : 1;
    });

  program
    .command('inspect')
    .description('walk a mail as a mailbox provider would; exit 1 when something is wrong')
    .argument('<file>', '.eml')
    .option('--dns <file>', 'JSON with the DNS records to trust, as PUT /v1/subdomains answers them')
    .addOption(json())
    .action(async (file: string, options: InspectOptions) => {
      const config = configure();
      const { inspect } = await import('./commands/inspect.ts');
      const fine = await inspect(config, file, options);
      state.code = fine ? 0 : 1;
    });

  program
    .command('classify')
    .description(
      'say what Adieu makes of a bounce, a complaint or an automatic answer; exit 1 for an unreadable file',
    )
    .argument('<path>', 'a mail, or a directory of mails')
    .addOption(json())
    .addHelpText('after', KINDS)
    .action(async (path: string, output: Output) => {
      const { classify } = await import('./commands/classify.ts');
      state.code = (await classify(path, output)) ? 0 : 1;
    });

  const person = (command: Command) =>
    command
      .argument('<namespace>', 'of the id, as CRMID or Email')
      .argument('<id>')
      .addOption(server())
      .addOption(key())
      .addOption(json());
  person(
    program.command('export').description('write everything that is held about a person, as JSON'),
  ).action(async (namespace: string, id: string, options: Output & ConnectOptions) => {
    const config = configure();
    const { exportPerson } = await import('./commands/privacy.ts');
    await exportPerson(config, { namespace, id }, options);
  });
  person(
    program.command('erase').description('forget a person everywhere, and leave them alone from then on'),
  )
    .option('--yes', 'do not ask', false)
    .action(async (namespace: string, id: string, options: Output & ConnectOptions & { yes: boolean }) => {
      const config = configure();
      const { erasePerson } = await import('./commands/privacy.ts');
      state.code = (await erasePerson(config, { namespace, id }, options)) ? 0 : 1;
    });

  program
    .command('doctor')
    .description(
      "say whether mail comes in, and look at all of the subdomains' DNS; exit 1 when something is wrong",
    )
    .option(
      '--listener <host:port>',
      'where outside senders reach the listener; default: SMTP_HOST, SMTP_PORT',
    )
    .addOption(json())
    .action(async (options: DoctorOptions) => {
      const { examine } = await import('./commands/doctor.ts');
      state.code = (await examine(configure(), options)) ? 0 : 1;
    });

  const keys = program.command('keys').description('the key ring and the API key; only ids are shown');
  keys
    .command('init')
    .description('make what is missing')
    .addOption(json())
    .action(async (output: Output) => initKeys(configure(), output));
  keys
    .command('rotate')
    .description('add a key that seals from now on; the others still open')
    .addOption(json())
    .action(async (output: Output) => rotate(configure(), output));
  keys
    .command('show')
    .description('show the ids')
    .addOption(json())
    .action(async (output: Output) => showKeys(configure(), output));

  const sending = program
    .command('sending')
    .description('whether anything is sent at all; works on the database, without a server');
  sending
    .command('show', { isDefault: true })
    .description('say whether sending is paused, why, and what would go out')
    .addOption(json())
    .action(async (output: Output) => {
      const { showSending } = await import('./commands/sending.ts');
      await showSending(configure(), output);
    });
  sending
    .command('pause')
    .description('send nothing more, whoever asks; opt-outs are taken as ever')
    .requiredOption('--why <text>', 'the reason, for whoever finds it paused')
    .addOption(json())
    .action(async (options: Output & { why: string }) => {
      const { pause } = await import('./commands/sending.ts');
      await pause(configure(), options);
    });
  sending
    .command('resume')
    .description('go on with what is due')
    .addOption(json())
    .action(async (output: Output) => {
      const { resume } = await import('./commands/sending.ts');
      await resume(configure(), output);
    });

  program
    .command('migrate')
    .description('bring the database to the version of this program')
    .addOption(json())
    .action(async (output: Output) => {
      const config = configure();
      const { migrateDatabase } = await import('./commands/migrate.ts');
      await migrateDatabase(config, output);
    });

  program
    .command('config')
    .description('show every setting, secrets hidden')
    .addOption(json())
    .action((output: Output) => {
      configure();
      showConfig(environment(), output);
    });

  return program;
}

const COLUMNS = `
Columns of a CSV: email, id, firstName, lastName, language, city, country; any other is a dotted path into the
attributes (loyalty.points) or begins with identities. consents. or context. (consents.marketing.email.val).

A dry run stores the template and what --from says, as sending does; consents that the file brings do not count.

Exit code 0 only when every line was taken and every message has its final state.`;

const SUPPRESSIONS = `
Reads exports of Journey Optimizer (TYPE,VALUE,COMMENTS), Amazon SES, SendGrid, Mailgun, Mailchimp, Postmark, and plain
lists; a domain is written @example.com. The file is checked as a whole before anything is stored. People who are
subscribed, or only unsubscribed, are rejected, since a suppression stops receipts, too: import the consent of those
who left with their profiles, or say --reason manual.

Exit code 0 only when every line was taken.`;

const KINDS = `
hard: the mailbox is not there; soft: it did not take this message, or not yet (delayed); sender: refused for who sends
or how; complaint; auto-reply; delivered; none: nothing to act upon. With --json one line per mail:
{"file","recipients":[{"address"?,"status"?,"kind","reason"}],"error"?}. Nothing is stored, no configuration is read.`;

function configure(required: readonly Variable[] = [], roles: readonly Role[] = []): Config {
  const outcome = readConfig(environment(), required, roles);
  if (outcome.ok) return outcome.config;
  throw new ConfigurationBroken(problemsPage(outcome.problems));
}

function asRoles(text: string): readonly Role[] {
  try {
    return readRoles(text);
  } catch (error) {
    throw new InvalidArgumentError(isFailure(error) ? error.detail : 'Not a list of roles.');
  }
}

function complaint(error: unknown): string {
  if (error instanceof ConfigurationBroken) return error.message;
  if (isFailure(error)) return `adieu: ${error.detail} [${error.code}]`;
  // Nobody foresaw it, so the place where it happened is the most helpful thing there is.
  return `adieu: ${redact(error instanceof Error ? (error.stack ?? error.message) : String(error))}`;
}

function version(): string {
  const { version: found } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String(found);
}
