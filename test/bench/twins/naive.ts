/**
 * The naive twin: everything for every recipient, one job each. What a first version looks like.
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
  return {
    recipientsPerJob: 1,
    concurrency: 4,
    async deliver(recipient) {
      const out = waysOut(recipient);
      const data = { profile: recipient.profile, ...out };
      const { html } = await mjml2html(Handlebars.compile(MJML)(data));
      const $ = load(html);
      $('[data-link-type="one-click"]').attr('href', out.oneClickUrl).removeAttr('data-link-type');
      $('[data-link-type="unsubscribe"]').attr('href', out.unsubscribeUrl).removeAttr('data-link-type');
      const subject = Handlebars.compile(SUBJECT, { noEscape: true })(data);
      const text = Handlebars.compile(TEXT, { noEscape: true })(data);
      await transport.sendMail(mailOf(recipient, { subject, html: $.html(), text }, out));
    },
  };
};
