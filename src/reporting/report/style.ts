/** How a page looks: light or dark as the reader has it, on narrow screens and wide ones. */

export const STYLE = `:root{color-scheme:light dark;--ink:#1d1f23;--soft:#5c626d;--line:#d8dbe0;--card:#f4f5f7;--paper:#fff;--warn:#8a5300}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#a3a9b4;--line:#3a3f47;--card:#1f2329;--paper:#14171b;--warn:#f0b35a}}
*{box-sizing:border-box}
body{font:15px/1.55 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem;color:var(--ink);background:var(--paper);overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.2}h2{font-size:1.35rem;margin:2.5rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:2rem 0 .5rem}p{max-width:48rem}
.fact{color:var(--soft);font-size:.87rem;margin:.75rem 0 .25rem;max-width:none}
.notes{border-left:3px solid var(--warn);margin:1rem 0;padding:.25rem 0 .25rem 1.75rem;max-width:48rem}
.headline{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:.75rem;margin:.75rem 0}
.headline div{background:var(--card);border-radius:.5rem;padding:.7rem .9rem}
.headline dt{color:var(--soft);font-size:.85rem}.headline dd{margin:0}.headline .value{font-size:1.3rem;font-weight:600}
.headline .beside{color:var(--soft);font-size:.8rem}
.scroll{overflow-x:auto;margin:.5rem 0 1rem}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:.3rem .75rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;max-width:32rem}
th:first-child,td:first-child{text-align:left;padding-left:0}th{border-bottom:2px solid var(--line);font-weight:600}
td.words{text-align:left;overflow-wrap:anywhere}
.figures{display:flex;flex-wrap:wrap;gap:1.5rem}figure{margin:.5rem 0;width:23.4rem;max-width:100%}
figure svg{display:block;max-width:100%;height:auto}figcaption{color:var(--soft);font-size:.82rem}
pre{background:var(--card);border-radius:.5rem;padding:.8rem 1rem;white-space:pre-wrap;max-width:60rem;margin:.25rem 0 1rem;font-size:.85rem}
details{margin:1.5rem 0}summary{cursor:pointer;font-weight:600}`;
