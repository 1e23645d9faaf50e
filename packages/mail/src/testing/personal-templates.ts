/**
 * Ten templates with personalised blocks, as authors build them, for whoever asks what a person gets who said no.
 *
 * In every one of them each block names `profile.secret`, each part of the message that does has a fallback, and
 * everybody sees a way out. `kept` is what stays, `fallbacks` what the fallbacks say.
 *
 * @module
 */
import type { TemplateSource } from '@adieu/core';

/** One template, and what a person who said no to personalization reads of it. */
export interface PersonalTemplate {
  readonly name: string;
  readonly source: Omit<TemplateSource, 'id' | 'version'>;
  /** In order, in the HTML part. */
  readonly reads: readonly string[];
}

const BYE = '<p>shared <a data-link-type="unsubscribe" href="#">bye</a></p>';
const mjml = (sections: string): string => `<mjml><mj-body>${sections}</mj-body></mjml>`;
const column = (inner: string): string => `<mj-section><mj-column>${inner}</mj-column></mj-section>`;
const FOOTER = column('<mj-text>shared <a data-link-type="one-click" href="#">bye</a></mj-text>');

/** The ten. */
export const PERSONAL_TEMPLATES: readonly PersonalTemplate[] = [
  {
    name: 'a greeting, and nothing in its place',
    source: { subject: 's', html: `<p data-personalized="hi">Hi {{profile.secret}}</p>${BYE}` },
    reads: ['shared'],
  },
  {
    name: 'a subject, a preheader and a text part of their own',
    source: {
      subject: 'For you, {{profile.secret}}',
      preheader: '{{profile.secret}}, look',
      html: `<html><body><p data-personalized="hi">Hi {{profile.secret}}</p>${BYE}</body></html>`,
      text: 'Hi {{profile.secret}} {{unsubscribeUrl}}',
      fallbacks: {
        subject: 'For you, with {{context.coupon}}',
        preheader: 'Look',
        text: 'Hello, {{context.coupon}} {{unsubscribeUrl}}',
        hi: '<p>Hello</p>',
      },
    },
    reads: ['Look', 'Hello', 'shared'],
  },
  {
    name: 'a row of a table, with what the execution brings along',
    source: {
      subject: 's',
      html: `<table><tr data-personalized="row"><td>{{profile.secret}}</td></tr><tr><td>next</td></tr></table>${BYE}`,
      fallbacks: { row: '<tr><td>Everybody gets {{context.coupon}}</td></tr>' },
    },
    reads: ['Everybody gets LUNA', 'next', 'shared'],
  },
  {
    name: 'a way out inside of the block, and another in its fallback',
    source: {
      subject: 's',
      html: '<div data-personalized="foot">{{profile.secret}} <a data-link-type="one-click" href="#">bye</a></div>',
      fallbacks: {
        foot: '<p>shared <a data-link-type="unsubscribe" data-consent-level="identity">bye</a></p>',
      },
    },
    reads: ['shared'],
  },
  {
    name: 'blocks of the template language around and inside, and one block twice',
    source: {
      subject: 's',
      html: `{{#if context.coupon}}<p data-personalized="a">{{#each profile.items}}{{../profile.secret}}{{/each}}</p>{{/if}}<p data-personalized="a">{{profile.secret}}</p>${BYE}`,
      fallbacks: { a: '<p>Hello</p>' },
    },
    reads: ['Hello', 'Hello', 'shared'],
  },
  {
    name: 'a block in a block, and attributes that name the person',
    source: {
      subject: 's',
      html: `<div data-personalized="outer" title="{{profile.secret}}"><a data-personalized="inner" href="https://x.example/?q={{profile.secret}}">x</a></div><p title="t{{profile.other}}">y</p>${BYE}`,
      fallbacks: { outer: '<b>Outer</b>', inner: '<i>never</i>' },
    },
    reads: ['<b>Outer</b><p title="t">y</p><p>shared'],
  },
  {
    name: 'what Outlook alone reads',
    source: {
      subject: 's',
      html: `<!--[if mso]><table><tr data-personalized="mso"><td>{{profile.secret}}</td></tr></table><![endif]--><img data-personalized="pixel" src="https://x.example/{{profile.secret}}.png">${BYE}`,
      fallbacks: { mso: '<tr><td>Hello</td></tr>' },
    },
    reads: ['<!--[if mso]><table><tr><td>Hello</td></tr></table><![endif]-->', 'shared'],
  },
  {
    name: 'MJML sections and columns, with HTML and with MJML in their place',
    source: {
      subject: 's',
      mjml: mjml(
        `<mj-section data-personalized="hero"><mj-column><mj-text>{{profile.secret}}</mj-text></mj-column></mj-section><mj-section><mj-column data-personalized="left"><mj-text>{{profile.secret}}</mj-text></mj-column><mj-column><mj-text>right</mj-text></mj-column></mj-section>${FOOTER}`,
      ),
      fallbacks: {
        hero: '<b>Hero</b>',
        left: '<mj-column><mj-button href="https://x.example/">Left</mj-button></mj-column>',
      },
    },
    reads: ['Hero', 'Left', 'right', 'shared'],
  },
  {
    name: 'MJML content: texts, buttons, pictures and an element in a text',
    source: {
      subject: 's',
      mjml: mjml(
        `${column('<mj-text data-personalized="t">{{profile.secret}}</mj-text><mj-button data-personalized="b" href="https://x.example/{{profile.secret}}">Go</mj-button><mj-image data-personalized="i" src="https://x.example/{{profile.secret}}.png" /><mj-text>Dear <span data-personalized="n">{{profile.secret}}</span>!</mj-text>')}${FOOTER}`,
      ),
      fallbacks: { t: 'Text', b: '<mj-button href="https://x.example/">Button</mj-button>', n: 'reader' },
    },
    reads: ['Text', 'Button', 'Dear reader!', 'shared'],
  },
  {
    name: 'a strict template',
    source: {
      subject: 'Hi',
      strict: true,
      html: `<p data-personalized="hi">{{profile.secret}}</p><p>[{{profile.secret}}] {{context.coupon}}</p>{{#with profile}}<i>{{secret}}</i>{{/with}}${BYE}`,
    },
    reads: ['[] LUNA', 'shared'],
  },
];
