/**
 * A brand that writes real mails: composed and signed by package mail, for a domain whose DNS is here.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import {
  completeChannelConfiguration,
  dnsRecords,
  generateDkimKeys,
  generateKeyRing,
  type KeyRing,
  parseKeyRing,
  type ResolveTxt,
} from '@adieu/core';
import { compileTemplate, openComposer } from '@adieu/mail';

export const DOMAIN = 'news.example.com';

export interface Brand {
  readonly ring: KeyRing;
  readonly resolve: ResolveTxt;
  /** A finished mail to one person. */
  compose(
    email: string,
    name?: string,
  ): Promise<{ readonly from: string; readonly to: string; readonly bytes: Buffer }>;
}

const MJML = `<mjml>
<mj-head><mj-attributes><mj-all font-family="Georgia, serif" /></mj-attributes></mj-head>
<mj-body background-color="#f3efe8" width="600px">
<mj-section padding="28px 0 8px"><mj-column><mj-text align="center" font-size="22px" letter-spacing="3px" color="#3b342a">OSTERIA LUNA</mj-text></mj-column></mj-section>
<mj-section background-color="#ffffff" border-radius="6px"><mj-column>
<mj-text font-size="26px" line-height="1.3" color="#26211a">Spring is on the menu, {{profile.person.name.firstName}}</mj-text>
<mj-text font-size="16px" line-height="1.6" color="#4d463b">Wild garlic, the first asparagus, and Friday evenings with the windows open. The new menu starts this Thursday; the table by the stove is already dreaming of summer.</mj-text>
<mj-button href="https://osteria.example/reserve" background-color="#7a3e2b" border-radius="4px" align="left">Reserve a table</mj-button>
<mj-text font-size="16px" line-height="1.6" color="#4d463b">Your code for a glass of the house vermouth: <b>{{context.coupon}}</b></mj-text>
</mj-column></mj-section>
<mj-section><mj-column><mj-text align="center" font-size="13px" line-height="1.7" color="#857c6d">Osteria Luna, 4 Quay Street, Bristol<br/>
You get this mail since you asked for our menu. <a href="#" data-link-type="unsubscribe" style="color:#7a3e2b">Unsubscribe</a> · <a href="#" data-link-type="preferences" style="color:#7a3e2b">Choose what you get</a></mj-text></mj-column></mj-section>
</mj-body></mjml>`;

export async function openBrand(): Promise<Brand> {
  const ring = parseKeyRing(generateKeyRing());
  const keys = generateDkimKeys('s1');
  const linkBaseUrl = `https://${DOMAIN}`;
  const records = new Map(
    dnsRecords({ domain: DOMAIN, linkBaseUrl, keys }).map(({ name, value }) => [name, value]),
  );
  const compiled = await compileTemplate({
    id: 'spring',
    version: 1,
    subject: 'Spring is on the menu, {{profile.person.name.firstName}} – ab Donnerstag „Bärlauch“',
    preheader: 'Wild garlic, the first asparagus, and a glass on the house',
    mjml: MJML,
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const composer = openComposer({
    template: compiled.template,
    configuration: completeChannelConfiguration('newsletter', {
      subdomain: DOMAIN,
      emailType: 'marketing',
      from: { name: 'Osteria Luna', email: `hello@${DOMAIN}` },
      replyTo: 'care@example.com',
    }),
    subdomain: { domain: DOMAIN, linkBaseUrl, relay: 'plain', keys },
    organisation: 'default',
    sandbox: 'prod',
    ring,
    campaignId: 'spring',
    list: { name: 'menu', number: 1, title: 'The menu' },
    inbound: true,
  });
  return {
    ring,
    resolve: async (name) => {
      const value = records.get(name);
      return value === undefined ? [] : [value];
    },
    compose: async (email, name = 'Ada') => {
      const composed = await composer.compose({
        messageId: randomUUID(),
        date: new Date(),
        profile: {
          namespace: 'CRMID',
          id: '5142733041546020095851529937068211571',
          number: 1,
        },
        personal: { attributes: { person: { name: { firstName: name } } }, consents: {} },
        address: { spelling: email, number: 1, namespace: 'Email' },
        context: { coupon: 'LUNA-7' },
      });
      if (!composed.ok) throw new Error(composed.detail);
      return { ...composed.envelope, bytes: Buffer.concat(composed.content) };
    },
  };
}
