/**
 * A twin that breaks the rules: it sends the letter in plain form and signs nothing. Its figures must never count.
 *
 * @module
 */
import Handlebars from 'handlebars';
import mjml2html from 'mjml';
import { createTransport } from 'nodemailer';
import { MJML, SUBJECT, TEXT } from '../newsletter.ts';
import { mailOf, type OpenTwin, waysOut } from '../twins/twin.ts';

export const openTwin: OpenTwin = async ({ relay }) => {
  const transport = createTransport({ ...relay, pool: true });
  const html = Handlebars.compile((await mjml2html(MJML)).html);
  const subject = Handlebars.compile(SUBJECT, { noEscape: true });
  const text = Handlebars.compile(TEXT, { noEscape: true });
  return {
    recipientsPerJob: 1,
    concurrency: 1,
    async deliver(recipient) {
      const out = waysOut(recipient);
      const data = { profile: recipient.profile, ...out };
      const content = { subject: subject(data), html: html(data), text: text(data) };
      await transport.sendMail(mailOf(recipient, content, out));
    },
  };
};
