/**
 * The good twin: what an engineer who measures would write with these libraries. Links are rewritten once, every template is
 * precompiled, the key is parsed once, a job has a hundred recipients, and the pool is as wide as it helps.
 *
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { load } from 'cheerio';
import Handlebars from 'handlebars';
import mjml2html from 'mjml';
import { createTransport } from 'nodemailer';
import { MJML, SUBJECT, TEXT } from '../newsletter.ts';
import { dkimOptions, mailOf, type OpenTwin, waysOut } from './twin.ts';

export const openTwin: OpenTwin = async ({ relay, dkim }) => {
  const transport = createTransport({
    ...relay,
    pool: true,
    maxConnections: 10,
    maxMessages: Number.POSITIVE_INFINITY,
    disableFileAccess: true,
    disableUrlAccess: true,
    dkim: dkimOptions(dkim, createPrivateKey(dkim.privateKey)),
  });
  const $ = load((await mjml2html(MJML)).html);
  $('[data-link-type="one-click"]').attr('href', '{{oneClickUrl}}').removeAttr('data-link-type');
  $('[data-link-type="unsubscribe"]').attr('href', '{{unsubscribeUrl}}').removeAttr('data-link-type');
  const html = Handlebars.compile($.html());
  const subject = Handlebars.compile(SUBJECT, { noEscape: true });
  const text = Handlebars.compile(TEXT, { noEscape: true });
  return {
    recipientsPerJob: 100,
    concurrency: 2,
    async deliver(recipient) {
      const out = waysOut(recipient);
      const data = { profile: recipient.profile, ...out };
      const content = { subject: subject(data), html: html(data), text: text(data) };
      await transport.sendMail(mailOf(recipient, content, out));
    },
  };
};
