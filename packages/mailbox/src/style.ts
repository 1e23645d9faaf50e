/**
 * How the mailbox looks: one style sheet, light and dark, from a phone to a wide screen.
 *
 * No script, no font and no picture is fetched; the pages' policy would not let them.
 *
 * @module
 */
import { createHash } from 'node:crypto';

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --surface: #ffffff; --sunken: #f8f9fb; --line: #e2e5ea; --line-strong: #cdd2da;
  --text: #161a20; --muted: #59626f; --faint: #6a7380;
  --accent: #1d4fc4; --accent-soft: #eaf0fd;
  --good: #10693d; --good-soft: #e6f4ec; --warn: #7d4e00; --warn-soft: #fcf2dd; --bad: #a8231b; --bad-soft: #fcebe9;
  --shadow: 0 1px 2px rgb(20 26 36 / 5%), 0 4px 16px rgb(20 26 36 / 4%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1114; --surface: #17191e; --sunken: #13151a; --line: #282c34; --line-strong: #3a404b;
    --text: #e7eaef; --muted: #a3abb8; --faint: #818a99;
    --accent: #8fb2ff; --accent-soft: #1b2742;
    --good: #7ad3a2; --good-soft: #14291f; --warn: #e9bd6c; --warn-soft: #2d2413; --bad: #ff9d94; --bad-soft: #351a18;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
h1, h2, h3, p, dl, dd, ul, figure { margin: 0; padding: 0; }
ul { list-style: none; }
code, pre, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 12.5px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 12px; top: 12px; background: var(--surface); padding: 8px 12px; z-index: 1; }
.quiet { color: var(--muted); }
.wrap { max-width: 1120px; margin: 0 auto; padding: 0 24px; }

.bar { background: var(--surface); border-bottom: 1px solid var(--line); }
.bar .wrap { display: flex; align-items: center; gap: 20px; min-height: 60px; flex-wrap: wrap; }
.brand { display: flex; align-items: center; gap: 10px; color: var(--text); font-weight: 600; font-size: 16px; letter-spacing: -.01em; }
.brand:hover { text-decoration: none; }
.brand svg { width: 26px; height: 26px; color: var(--accent); flex: none; }
.brand small { font-weight: 400; font-size: 15px; color: var(--muted); letter-spacing: 0; }
.search { margin-left: auto; display: flex; gap: 8px; flex: 0 1 360px; }
.search input {
  flex: 1; min-width: 0; height: 36px; padding: 0 12px; border: 1px solid var(--line-strong); border-radius: 8px;
  background: var(--sunken); color: inherit; font: inherit; font-size: 14px;
}
.search input::placeholder { color: var(--faint); }

.button {
  display: inline-flex; align-items: center; gap: 6px; height: 36px; padding: 0 14px; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--line-strong); background: var(--surface); color: var(--text); font: inherit; font-size: 14px;
  font-weight: 500; white-space: nowrap;
}
.button:hover { background: var(--sunken); text-decoration: none; border-color: var(--faint); }
.button.leave { border-color: var(--accent); color: var(--accent); background: var(--accent-soft); }
.button.leave:hover { background: var(--accent); color: var(--surface); }

main { padding: 28px 0 64px; }
.heading { display: flex; align-items: baseline; gap: 12px; margin: 0 0 14px; }
.heading h1 { font-size: 20px; font-weight: 600; letter-spacing: -.015em; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 12px; box-shadow: var(--shadow); overflow: hidden; }

.rows li + li { border-top: 1px solid var(--line); }
.row {
  display: grid; grid-template-columns: 36px minmax(130px, 200px) minmax(0, 1fr) auto; column-gap: 14px; align-items: start;
  padding: 13px 18px; color: inherit;
}
.row:hover { background: var(--sunken); text-decoration: none; }
.row .who { min-width: 0; }
.row .name, .row .subject, .row .snippet, .row .to { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.row .name { font-weight: 600; }
.row .to { font-size: 13px; color: var(--muted); }
.row .what { min-width: 0; grid-column: 3; grid-row: 1; }
.row .subject { font-weight: 500; }
.row .snippet { color: var(--muted); font-size: 14px; }
.row .when { grid-column: 4; grid-row: 1; text-align: right; font-size: 13px; color: var(--muted); white-space: nowrap; align-self: start; padding-top: 2px; }
.row.gone .name, .row.gone .subject { font-weight: 400; color: var(--muted); }
.tag {
  display: inline-block; border-radius: 999px; padding: 1px 9px; font-size: 12.5px; line-height: 20px; font-weight: 500;
  background: var(--sunken); color: var(--muted); border: 1px solid var(--line);
}
.row .tag { margin-top: 5px; }
.tag.good { background: var(--good-soft); color: var(--good); border-color: transparent; }
.tag.bad { background: var(--bad-soft); color: var(--bad); border-color: transparent; }
.tag.warn { background: var(--warn-soft); color: var(--warn); border-color: transparent; }
.face {
  width: 36px; height: 36px; border-radius: 50%; display: grid; place-items: center; font-weight: 600; font-size: 15px;
  color: #fff; background: #4a6fb5; flex: none;
}
.face.f1 { background: #3d7f75; } .face.f2 { background: #8a5a9c; } .face.f3 { background: #a9603a; }
.face.f4 { background: #5c7a2f; } .face.f5 { background: #b04a64; } .face.f6 { background: #47618c; } .face.f7 { background: #7a6a2c; }
.pager { display: flex; justify-content: space-between; gap: 12px; margin-top: 16px; }
.empty { padding: 72px 24px; text-align: center; }
.empty svg { width: 44px; height: 44px; color: var(--faint); }
.empty h2 { font-size: 17px; font-weight: 600; margin: 12px 0 4px; }

.back { display: inline-block; margin-bottom: 14px; font-size: 14px; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) 320px; gap: 20px; align-items: start; }
.letterhead { padding: 22px 24px 18px; }
.letterhead h1 { font-size: 22px; line-height: 1.3; font-weight: 600; letter-spacing: -.015em; overflow-wrap: anywhere; }
.sender { display: flex; flex-wrap: wrap; gap: 12px 14px; margin-top: 16px; align-items: flex-start; }
.sender .about { flex: 1 1 240px; min-width: 0; overflow-wrap: anywhere; }
.sender .first { display: flex; flex-wrap: wrap; align-items: baseline; column-gap: 8px; }
.sender .name { font-weight: 600; }
.sender .address, .sender .second { color: var(--muted); font-size: 14px; }
.leaving { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.leaving form { display: contents; }
.note { margin: 0 24px 16px; padding: 11px 14px; border-radius: 8px; font-size: 14px; background: var(--sunken); border: 1px solid var(--line); overflow-wrap: anywhere; }
.note.good { background: var(--good-soft); border-color: transparent; }
.note.bad { background: var(--bad-soft); border-color: transparent; }
.note strong { font-weight: 600; }
.note.good strong { color: var(--good); }
.note.bad strong { color: var(--bad); }
details summary { cursor: pointer; color: var(--muted); font-size: 13px; width: fit-content; }
details pre.plain { margin: 8px 0 2px; padding: 0; font-size: 12.5px; }
.tabs { display: flex; gap: 2px; padding: 0 18px; border-bottom: 1px solid var(--line); overflow-x: auto; }
.tabs a { padding: 10px 10px; color: var(--muted); font-size: 14px; font-weight: 500; border-bottom: 2px solid transparent; margin-bottom: -1px; white-space: nowrap; }
.tabs a:hover { color: var(--text); text-decoration: none; }
.tabs a[aria-current] { color: var(--accent); border-color: var(--accent); }
.tabs .count { margin-left: 5px; }
.frame { display: block; width: 100%; height: min(72vh, 860px); min-height: 420px; border: 0; background: #fff; color-scheme: light; }
.frame-note { padding: 9px 24px; font-size: 13px; color: var(--muted); border-bottom: 1px solid var(--line); background: var(--sunken); }
.plain a { text-decoration: underline; text-underline-offset: 2px; }
.plain { margin: 0; padding: 20px 24px 28px; white-space: pre-wrap; overflow-wrap: anywhere; font-size: 13.5px; line-height: 1.6; }
.source { max-height: 76vh; overflow: auto; background: var(--sunken); }
.nothing { padding: 40px 24px; color: var(--muted); text-align: center; }

.side { padding: 18px 20px; }
.side h2, .section h2 { font-size: 13px; font-weight: 600; color: var(--muted); margin-bottom: 12px; }
.checks li { display: flex; gap: 10px; padding: 7px 0; }
.checks .text { min-width: 0; overflow-wrap: anywhere; }
.checks .text small { display: block; color: var(--muted); font-size: 13px; line-height: 1.45; }
.mark { flex: none; width: 18px; height: 18px; border-radius: 50%; margin-top: 2px; display: grid; place-items: center; font-size: 11px; font-weight: 700; line-height: 1; }
.mark.ok { background: var(--good-soft); color: var(--good); }
.mark.warn { background: var(--warn-soft); color: var(--warn); }
.mark.wrong { background: var(--bad-soft); color: var(--bad); }
.mark.info { background: var(--accent-soft); color: var(--accent); }
.side h2.next { border-top: 1px solid var(--line); margin-top: 16px; padding-top: 16px; }
.facts { display: grid; gap: 9px; font-size: 14px; }
.facts div { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 8px; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.facts dd.mono { line-height: 1.6; }
.section { padding: 20px 24px; }
.section + .section { border-top: 1px solid var(--line); }
.section .checks li { padding: 9px 0; }
.rule { color: var(--faint); font-size: 12px; font-weight: 500; margin-left: 6px; white-space: nowrap; }
.fields { display: grid; gap: 14px; }
.fields dt { font-weight: 600; font-size: 14px; }
.fields dd.value { overflow-wrap: anywhere; background: var(--sunken); border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; margin-top: 4px; max-height: 132px; overflow: auto; white-space: pre-wrap; }
.fields dd.means { color: var(--muted); font-size: 14px; margin-top: 4px; }

@media (max-width: 1000px) {
  .columns { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 640px) {
  .wrap { padding: 0 16px; }
  .bar .wrap { padding-top: 10px; padding-bottom: 12px; gap: 10px 16px; }
  .search { flex: 1 0 100%; margin-left: 0; }
  main { padding: 18px 0 48px; }
  main > .wrap { padding: 0; }
  .heading, .back, .pager { margin-left: 16px; margin-right: 16px; }
  .card { border-radius: 0; border-left: 0; border-right: 0; box-shadow: none; }
  .row { grid-template-columns: 36px minmax(0, 1fr) auto; padding: 12px 16px; row-gap: 1px; column-gap: 12px; align-items: start; }
  .row .face { grid-row: 1 / span 2; margin-top: 2px; }
  .row .when { grid-column: 3; }
  .row .what { grid-column: 2 / span 2; grid-row: 2; }
  .letterhead { padding: 18px 16px 14px; }
  .letterhead h1 { font-size: 19px; }
  .tabs { padding: 0 8px; }
  .note { margin: 0 16px 14px; }
  .frame-note, .plain, .section, .side { padding-left: 16px; padding-right: 16px; }
  .frame { height: 64vh; }
  .sender .about { flex-basis: 200px; }
  .leaving { flex: 1 0 100%; }
  .leaving .button { flex: 1 1 auto; justify-content: center; height: 40px; }
}
`;

/** Changes with the content, so that a browser may keep the sheet for as long as it likes. */
export const STYLE_PATH = `/style-${createHash('sha256').update(STYLE).digest('hex').slice(0, 12)}.css`;
