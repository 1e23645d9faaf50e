/**
 * The sensible twin: MJML once, templates compiled once; links are still rewritten for every recipient, one job each.
 *
 * @module
 */
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
    dkim: dkimOptions(dkim, dkim.privateKey),
  });
  const html = Handlebars.compile((await mjml2html(MJML)).html);
  const subject = Handlebars.compile(SUBJECT, { noEscape: true });
  const text = Handlebars.compile(TEXT, { noEscape: true });
  return {
    recipientsPerJob: 1,
    concurrency: 10,
    async deliver(recipient) {
      const out = waysOut(recipient);
      const data = { profile: recipient.profile, ...out };
      const $ = load(html(data));
      $('[data-link-type="one-click"]').attr('href', out.oneClickUrl).removeAttr('data-link-type');
      $('[data-link-type="unsubscribe"]').attr('href', out.unsubscribeUrl).removeAttr('data-link-type');
      const content = { subject: subject(data), html: $.html(), text: text(data) };
      await transport.sendMail(mailOf(recipient, content, out));
    },
  };
};
