/**
 * The newsletter that everybody sends: MJML of about 60 KB when compiled, personal text, two ways out in the body.
 *
 * One rule: template and recipients are the same for Adieu and for every twin, so that what differs is how they work.
 *
 * @module
 */

/** Whose mail it is. */
export const DOMAIN = 'news.example.com';
export const FROM = `hello@${DOMAIN}`;
export const REPLY_TO = 'care@example.com';

/** What personalization reads. */
export interface Profile {
  readonly person: { readonly name: { readonly firstName: string } };
  readonly city: string;
  readonly loyalty: { readonly points: number };
}

/** Somebody who gets it. */
export interface Recipient {
  readonly id: string;
  readonly address: string;
  readonly profile: Profile;
}

const NAMES = ['Ada', 'Björn', 'Chloé', 'Dmitri', 'Esther', 'Farid', 'Grace', 'Håkon'];
const CITIES = ['Utrecht', 'Zürich', 'Oslo', 'Lyon', 'Porto', 'Gdańsk', 'Ghent'];

/** The recipient of a number; always the same. */
export function recipient(number: number): Recipient {
  return {
    id: `p${number}`,
    address: `p${number}@example.org`,
    profile: {
      person: { name: { firstName: `${NAMES[number % NAMES.length]}${number}` } },
      city: CITIES[number % CITIES.length] ?? '',
      loyalty: { points: (number * 37) % 1000 },
    },
  };
}

/** Recipients `from` to `from + count - 1`. */
export function recipients(from: number, count: number): Recipient[] {
  return Array.from({ length: count }, (_, index) => recipient(from + index));
}

const STORIES = 19;
const PARAGRAPHS = [
  'The last sleeper left in the rain and arrived under a clear sky. In between lay eleven hours, two borders, a dining car that smelled of coffee and a conductor who knew every tunnel by its name & number.',
  'We asked forty travellers what they pack. Most said a book, many said earplugs, one said a kettle. The kettle is not allowed, the book is, and the earplugs can be had from the attendant until 23:00.',
  'From March the coast line runs twice a day again: seats from 29 euros, a window for everybody who asks early, and bicycles on the first carriage as long as there is room.',
];

function story(number: number): string {
  const paragraphs = [0, 1].map((offset) => PARAGRAPHS[(number + offset) % PARAGRAPHS.length]);
  return `<mj-section background-color="#ffffff" padding="12px 0"><mj-column>
      <mj-text mj-class="title">${number}. A letter from the line</mj-text>
      <mj-text>${paragraphs.join('<br />')}</mj-text>
      <mj-button href="https://brand.example/letters/${number}?from=mail&amp;issue=12">Read on</mj-button>
    </mj-column></mj-section>`;
}

/** The subject, in Handlebars. */
export const SUBJECT = 'Letter 12: {{profile.loyalty.points}} points and a night train';

/** The document, in MJML with Handlebars. Opt-out links are marked as Adieu's templates mark them. */
export const MJML = `<mjml>
  <mj-head>
    <mj-title>The Night Train Letter</mj-title>
    <mj-attributes>
      <mj-text color="#33405a" font-size="16px" line-height="1.6" padding="0 24px" />
      <mj-class name="title" color="#14213d" font-size="24px" line-height="1.25" padding="0 24px 10px" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#ece7dc" width="640px">
    <mj-section background-color="#14213d"><mj-column>
      <mj-text color="#ffffff">Hello {{profile.person.name.firstName}} in {{profile.city}},
        {{#if profile.loyalty.points}}you have {{profile.loyalty.points}} points.{{else}}collect your first points.{{/if}}</mj-text>
    </mj-column></mj-section>
    ${Array.from({ length: STORIES }, (_, index) => story(index + 1)).join('\n    ')}
    <mj-section><mj-column>
      <mj-text font-size="13px">You get this because you asked for it, {{profile.person.name.firstName}}.
        <a href="#" data-link-type="one-click">Unsubscribe</a> or
        <a href="#" data-link-type="unsubscribe">choose what you get</a>.</mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>`;

/** The text part, in Handlebars. */
export const TEXT = `Hello {{profile.person.name.firstName}} in {{profile.city}},

{{#if profile.loyalty.points}}you have {{profile.loyalty.points}} points.{{else}}collect your first points.{{/if}}

${Array.from({ length: STORIES }, (_, index) => `${index + 1}. A letter from the line\nhttps://brand.example/letters/${index + 1}?from=text`).join('\n\n')}

Unsubscribe: {{unsubscribeUrl}}
`;
