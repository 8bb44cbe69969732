/** As in web/page/styles/tokens.css, word for word: a test compares them. */
const TOKENS = `/* The look of a well-kept hall: paper, brass, ink. Every colour a screen may use is named here. */
:root {
  color-scheme: light dark;
  --paper: #faf6ef;
  --raised: #fffdf9;
  --sunken: #f1eadf;
  --ink: #2b2621;
  --quiet: #635a50;
  --line: #ddd2c2;
  --line-strong: #8f8373;
  --accent: #7a4b1e;
  --accent-ink: #fffaf2;
  --accent-soft: #f3e5d2;
  --good: #2c6247;
  --good-soft: #e2eee5;
  --warn: #7d5200;
  --warn-soft: #faecc8;
  --bad: #9a2c22;
  --bad-soft: #fae3de;
  --night: #15120f;
  --shadow: 0 1px 2px rgb(60 45 25 / 8%), 0 6px 20px rgb(60 45 25 / 7%);

  --serif: ui-serif, "Iowan Old Style", "Palatino Linotype", Georgia, serif;
  --sans: ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "DejaVu Sans Mono", monospace;

  --space-1: 0.25rem;
  --space-2: 0.5rem;
  --space-3: 0.75rem;
  --space-4: 1rem;
  --space-5: 1.5rem;
  --space-6: 2.25rem;
  --radius: 0.75rem;
  --radius-small: 0.5rem;
  --target: 3rem; /* 48 px: what a thumb needs */
  --column: 46rem;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #191613;
    --raised: #221e1a;
    --sunken: #12100d;
    --ink: #efe7db;
    --quiet: #b3a89a;
    --line: #3a332c;
    --line-strong: #83786b;
    --accent: #e0ae77;
    --accent-ink: #241a0e;
    --accent-soft: #36291b;
    --good: #8fcaa6;
    --good-soft: #1d2d24;
    --warn: #e6bd62;
    --warn-soft: #33280f;
    --bad: #f0a095;
    --bad-soft: #3a201c;
    --shadow: 0 1px 2px rgb(0 0 0 / 40%);
  }
}
`;

/**
 * Of the certificate page, which looks like the hub's own but takes nothing of its build: it is there
 * before anything else is.
 */
export const CERTIFICATE_STYLE = `${TOKENS}body {
  margin: 0;
  background: var(--paper);
  color: var(--ink);
  font: 1.0625rem/1.5 var(--sans);
  -webkit-text-size-adjust: 100%;
}
*,
*::before,
*::after {
  box-sizing: border-box;
}
header {
  max-width: var(--column);
  margin: 0 auto;
  padding: var(--space-4) var(--space-4) 0;
  display: flex;
  justify-content: space-between;
  align-items: center;
}
header a {
  min-height: var(--target);
  padding: 0 var(--space-2);
  display: inline-flex;
  align-items: center;
}
.brand {
  font: 500 1.25rem/1.2 var(--serif);
  color: var(--quiet);
}
main {
  max-width: var(--column);
  margin: 0 auto;
  padding: var(--space-4) var(--space-4) var(--space-6);
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: var(--space-5);
}
h1,
h2,
h3 {
  font-family: var(--serif);
  font-weight: 500;
  line-height: 1.2;
  margin: 0;
  text-wrap: balance;
}
h1 {
  font-size: 1.75rem;
}
h2 {
  font-size: 1.25rem;
}
h3 {
  font-size: 1.125rem;
  display: inline;
}
p {
  margin: 0;
  text-wrap: pretty;
}
a {
  color: var(--accent);
  text-underline-offset: 0.2em;
}
:focus-visible {
  outline: 3px solid var(--accent);
  outline-offset: 2px;
  border-radius: 4px;
}
.quiet {
  color: var(--quiet);
}
.small {
  font-size: 0.9375rem;
}
.mono {
  font-family: var(--mono);
  font-size: 0.9375rem;
  overflow-wrap: anywhere;
}
.stack,
.card {
  display: grid;
  grid-template-columns: minmax(0, 1fr);
  gap: var(--space-3);
}
.card {
  background: var(--raised);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  padding: var(--space-4);
}
.note {
  border-radius: var(--radius-small);
  padding: var(--space-3) var(--space-4);
  background: var(--sunken);
}
.note.warn {
  background: var(--warn-soft);
  color: var(--warn);
}
.note.bad {
  background: var(--bad-soft);
  color: var(--bad);
}
button,
.button {
  font: inherit;
  color: var(--ink);
  background: var(--raised);
  border: 1px solid var(--line-strong);
  border-radius: var(--radius-small);
  min-height: var(--target);
  padding: 0 var(--space-4);
  display: inline-flex;
  align-items: center;
  justify-content: center;
  text-decoration: none;
  cursor: pointer;
  touch-action: manipulation;
}
.primary {
  background: var(--accent);
  border-color: var(--accent);
  color: var(--accent-ink);
}
label {
  display: grid;
  gap: var(--space-1);
}
input[type="text"] {
  font: inherit;
  color: inherit;
  background: var(--paper);
  border: 1px solid var(--line-strong);
  border-radius: var(--radius-small);
  min-height: var(--target);
  padding: var(--space-2) var(--space-3);
  width: 100%;
}
::placeholder {
  color: var(--quiet);
  opacity: 1;
}
summary {
  min-height: var(--target);
  display: flex;
  align-items: center;
  gap: var(--space-2);
  cursor: pointer;
  list-style: none;
}
summary::-webkit-details-marker {
  display: none;
}
summary::after {
  content: "";
  width: 0.5rem;
  height: 0.5rem;
  margin: 0 var(--space-2) 0 auto;
  border-right: 2px solid var(--quiet);
  border-bottom: 2px solid var(--quiet);
  transform: rotate(45deg);
}
[open] > summary::after {
  transform: rotate(225deg);
}
details > :not(summary) {
  margin-bottom: var(--space-3);
}
details ul {
  padding-left: 1.25rem;
}
details li + li {
  margin-top: var(--space-2);
}
.platform {
  display: block;
  padding: var(--space-1) var(--space-4);
}
.words {
  margin: 0;
  padding: 0;
  list-style: none;
  counter-reset: word;
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
  gap: var(--space-2);
}
.words li {
  counter-increment: word;
  font: 500 1.25rem/1.2 var(--serif);
  background: var(--sunken);
  border-radius: var(--radius-small);
  padding: var(--space-3);
  display: flex;
  align-items: baseline;
  gap: var(--space-2);
}
.words li::before {
  content: counter(word);
  font: 0.875rem/1 var(--sans);
  color: var(--quiet);
  min-width: 0.75rem;
}
.steps {
  margin: 0;
  padding: 0;
  list-style: none;
  counter-reset: step;
}
.steps li {
  counter-increment: step;
  display: grid;
  grid-template-columns: 2rem minmax(0, 1fr);
  gap: var(--space-3) var(--space-2);
  align-items: start;
  padding: var(--space-3) 0;
  margin: 0;
}
.steps li + li {
  border-top: 1px solid var(--line);
}
.steps li::before {
  content: counter(step);
  font: 500 1.25rem/1.2 var(--serif);
  color: var(--accent);
}
.steps .drawn {
  grid-column: 2;
}
.drawn {
  width: 100%;
  max-width: 20rem;
  height: auto;
  display: block;
}
@media (min-width: 44rem) {
  .steps li {
    grid-template-columns: 2rem minmax(0, 1fr) 17rem;
  }
  .steps .drawn {
    grid-column: 3;
  }
}
.drawn text {
  font: 11px var(--sans);
  fill: var(--ink);
}
.drawn .title {
  font-weight: 600;
  text-anchor: middle;
}
.drawn .act {
  text-anchor: middle;
  fill: var(--accent);
}
.drawn .glass {
  fill: var(--sunken);
  stroke: var(--line-strong);
}
.drawn .part {
  fill: var(--line-strong);
}
.drawn .line {
  fill: var(--raised);
  stroke: var(--line);
}
.drawn .marked {
  fill: var(--accent-soft);
  stroke: var(--accent);
  stroke-width: 2;
}
.drawn .lit {
  fill: var(--good);
}
.drawn .knob {
  fill: var(--raised);
}
.drawn .way,
.drawn .ticked {
  fill: none;
  stroke: var(--quiet);
  stroke-width: 1.5;
  stroke-linecap: round;
  stroke-linejoin: round;
}
.drawn .ticked {
  stroke: var(--raised);
  stroke-width: 2;
}
`;
