/** How a page looks: light or dark as the reader has it, on narrow screens and wide ones, and on paper. */

const COLORS = `:root{color-scheme:light dark;--ink:#1d1f23;--soft:#5c626d;--line:#d8dbe0;--card:#f4f5f7;--paper:#fff;--warn:#8a5300;--link:#2a54b8}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a3a9b4;--line:#3a3f47;--card:#1f2329;--paper:#14171b;--warn:#f0b35a;--link:#8fb0ff}}`;

const TEXT = `*{box-sizing:border-box}
body{font:15px/1.55 system-ui,sans-serif;max-width:92rem;margin:0 auto;padding:1.5rem clamp(.9rem,3vw,2.5rem) 4rem;color:var(--ink);background:var(--paper);overflow-wrap:break-word}
h1{font-size:1.7rem;line-height:1.2;margin:.25rem 0}h2{font-size:1.35rem;margin:2.5rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:2rem 0 .5rem}p{max-width:48rem}a{color:var(--link)}
nav{margin:.75rem 0 0}nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;list-style:none;margin:0;padding:0}
.fact{color:var(--soft);font-size:.87rem;margin:.75rem 0 .25rem;max-width:none}
.notes{border-left:3px solid var(--warn);margin:1rem 0;padding:.25rem 0 .25rem 1.75rem;max-width:48rem}
.headline{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.75rem;margin:.75rem 0;max-width:76rem}
.headline div{background:var(--card);border-radius:.5rem;padding:.7rem .9rem}
.headline dt{color:var(--soft);font-size:.85rem}.headline dd{margin:0}.headline .value{font-size:1.3rem;font-weight:600}
.headline .beside{color:var(--soft);font-size:.8rem}
pre{background:var(--card);border-radius:.5rem;padding:.8rem 1rem;white-space:pre-wrap;overflow-wrap:anywhere;max-width:60rem;margin:.25rem 0 1rem;font-size:.85rem}
details{margin:1.5rem 0}summary{cursor:pointer;font-weight:600}`;

/** Wide tables are scrolled by themselves, and keep their first column in sight. */
const TABLES = `.scroll{overflow-x:auto;margin:.5rem 0 1rem;max-width:100%}
table{border-collapse:separate;border-spacing:0;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .75rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;max-width:28rem}
th:first-child,td:first-child{text-align:left;padding-left:0;position:sticky;left:0;background:var(--paper);max-width:min(20rem,48vw)}
th{border-bottom:2px solid var(--line);font-weight:600;vertical-align:bottom}
td:first-child{min-width:6.5rem;overflow-wrap:break-word}.words,.long{text-align:left}.long{overflow-wrap:anywhere;min-width:12rem}
td:not(.words,.long,:first-child){white-space:nowrap;max-width:none}
@media (max-width:700px){td.numbers:not(:first-child){white-space:normal;min-width:8.5rem}}
.tables{columns:27rem;column-gap:2.5rem}.tables>div{break-inside:avoid}.tables .fact{margin-top:0}`;

const FIGURES = `.figures{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:.5rem 0;width:24rem;max-width:100%}
figure svg{display:block;max-width:100%;height:auto}figcaption{color:var(--soft);font-size:.82rem}`;

/** On paper nothing is folded, scrolled or cut. */
const PRINT = `@media print{body{font-size:10pt;max-width:none;padding:0}nav,summary{display:none}
details::details-content{content-visibility:visible;display:block;height:auto}
.scroll{overflow:visible}table{font-size:7.5pt}th,td{padding:.15rem .4rem;max-width:none;overflow-wrap:anywhere}
td:first-child,th:first-child{position:static}.long{min-width:0}td:not(.words,.long,:first-child){white-space:normal}
.figures{display:block}figure,.figures>.scroll{display:inline-block;vertical-align:top;width:48%;margin-right:1%}
h2,h3,.fact{break-after:avoid}figure,pre,tr,.headline div{break-inside:avoid}.headline div{border:1px solid var(--line)}
.tables{columns:2}.tables>div{break-inside:auto}}`;

export const STYLE = [COLORS, TEXT, TABLES, FIGURES, PRINT].join('\n');
