"""How a report looks, beyond what every page has in common: in light, in dark, on paper, on a narrow screen."""

STYLE = """
:root{--then:#b4bdc8;--real:#1b1f24;--tint-ok:#f0f8f4;--tint-warn:#fbf3e2;--tint-alert:#fbecea;--tint-unknown:#eef1f4;
--on:#fff}
@media screen and (prefers-color-scheme:dark){:root{--then:#56616e;--real:#e5e8ec;--tint-ok:#16291f;--tint-warn:#2b2413;
--tint-alert:#321c1a;--tint-unknown:#20262d;--on:#14171b}}
.ok{--level:var(--good);--tint:var(--tint-ok)}.warn{--level:var(--warn);--tint:var(--tint-warn)}
.alert{--level:var(--bad);--tint:var(--tint-alert)}.unknown,.note{--level:var(--soft);--tint:var(--tint-unknown)}
.banner{display:flex;gap:1.1rem;align-items:flex-start;background:var(--tint);border-left:.5rem solid var(--level);
border-radius:.25rem;padding:1.1rem 1.25rem}
.banner>div{min-width:0;overflow-wrap:anywhere}.banner h1{color:var(--level);margin:.1rem 0 .3rem}
.banner .over{color:var(--text)}
.icon{flex:none;width:3rem;height:3rem}.shape{fill:var(--level)}
.glyph,.dash,.ring{fill:none;stroke:var(--on);stroke-width:5;stroke-linecap:round;stroke-linejoin:round}
.ring,.dash{stroke:var(--level)}.ring{stroke-width:3.5;stroke-dasharray:6 7}
h2{margin-top:2.75rem}h3{margin-top:1.75rem}.card h3{margin-top:0}
.facts dl{display:block;max-width:54rem;margin:1.1rem 0 .75rem}
.facts div{display:grid;grid-template-columns:6rem 1fr;padding:.15rem 0}.facts dd{min-width:0}time{white-space:nowrap}
.links a{color:var(--bar);margin-right:1.25rem}
.told{list-style:none;margin:1rem 0 0;padding:0;max-width:54rem}
.told li{display:grid;grid-template-columns:5.2rem 1fr;gap:.75rem;padding:.45rem 0;border-top:1px solid var(--line)}
.told li>span:last-child{min-width:0;overflow-wrap:anywhere;unicode-bidi:isolate}
.sev{color:var(--level);font-weight:600;font-size:.86rem;line-height:1.75;white-space:nowrap}
.done{padding-left:1.1rem;margin:.4rem 0;max-width:48rem}.done li{margin:.25rem 0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:1rem}
.courses{grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr))}
.card{display:flex;flex-direction:column;border:1px solid var(--line);border-radius:.5rem;padding:1rem 1.1rem;
min-width:0}
.card p{font-size:.93rem}.big{font-size:1.3rem;font-weight:600;margin-right:.3rem}
.card figure{margin-top:auto;padding-top:.9rem}
.lone{max-width:22rem;margin-top:.75rem}
.split{display:flex;justify-content:space-between}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.25rem;margin:0 0 .9rem;color:var(--soft);font-size:.86rem}
.links,.legend{overflow-wrap:anywhere}
.legend span{display:flex;align-items:center;gap:.4rem}.key{width:22px;height:14px;flex:none}
svg text{font:11px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
.middle{text-anchor:middle}.end{text-anchor:end}
.spread,.spark,.course{width:100%;height:auto;overflow:visible}.spread{margin-top:.6rem}
rect.then{fill:var(--then)}rect.later{fill:var(--bar)}
path.now,path.estimated,path.realised{fill:none;stroke:var(--bar);stroke-width:2;stroke-linejoin:round}
path.realised{stroke:var(--real)}path.estimated{stroke-dasharray:6 4}
.axis,.grid{fill:none;stroke:var(--soft)}.grid{stroke:var(--line)}
.limit{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:2 4;stroke-linecap:round}
.expected{fill:none;stroke:var(--soft);stroke-width:1.2}
.under{fill:var(--bar)}.over-limit{fill:var(--bad)}
.hollow{fill:var(--page);stroke:var(--bar);stroke-width:1.8}.dot{fill:var(--real)}
path.band{stroke:none;fill:var(--bar);fill-opacity:.13}path.band.realised{fill:var(--real);fill-opacity:.1}
.tag{paint-order:stroke;stroke:var(--page);stroke-width:3px;stroke-linejoin:round}
.pairs{table-layout:fixed;font-size:.86rem;margin-top:.5rem}.pairs th,.pairs td{padding:.12rem 0 .12rem .5rem;border:0;
vertical-align:middle}.pairs th{padding-left:0;overflow-wrap:anywhere}.pairs th:first-child{width:36%}
.pairs .n{width:18%}.pair{width:100%;height:18px}
.gauge{width:9rem;height:12px;margin-top:.35rem}.gauge rect{fill:var(--bar)}.gauge .rail{fill:var(--rail)}
.gauge .over-limit{fill:var(--bad)}.gauge path{stroke:var(--text);stroke-width:1.5;vector-effect:non-scaling-stroke}
td code,th code{overflow-wrap:break-word}
.columns tbody th,.checks tbody th,.figures tbody th{min-width:8rem;
max-width:18rem;overflow-wrap:anywhere}.columns td,.checks td,
.figures td{white-space:nowrap}
.figures tbody th{min-width:11rem}
.columns .because,.checks .examples,.figures .because{white-space:normal;min-width:12rem}
.yes{color:var(--bad);font-weight:600}.examples code{display:inline-block;background:var(--card);padding:0 .3rem;
border:1px solid var(--line);border-radius:.25rem;margin:0 .25rem .2rem 0}
details{margin-top:.5rem}summary{cursor:pointer;color:var(--bar);padding:.3rem 0}
.strip{display:flex;flex-wrap:wrap;gap:.35rem;list-style:none;padding:0;margin:.5rem 0}
.strip li{background:var(--tint);border-top:.25rem solid var(--level);padding:.3rem .2rem;width:4.1rem;
font-size:.75rem;line-height:1.3;text-align:center}
.strip .icon{width:1.3rem;height:1.3rem;margin:0 auto .2rem}.strip b{display:block;color:var(--level)}
.read{max-width:48rem}.read dl{display:block}.read dt{color:var(--text);font-weight:600;margin-top:.6rem}
.read dd{color:var(--text)}
@media screen and (max-width:40rem){body{padding:1rem .9rem 2rem}.banner{padding:.9rem;gap:.8rem}
.icon{width:2.2rem;height:2.2rem}.told li{grid-template-columns:1fr;gap:0}.columns,.checks,.figures{font-size:.86rem}
.course text{font-size:15px}.figures tbody th{min-width:7rem}.gauge{width:6rem}
.checks thead{display:none}.checks tr{display:flex;flex-wrap:wrap;gap:.1rem 1rem;padding:.5rem 0;
border-top:1px solid var(--line)}.checks tr>*{border:0;padding:0}.checks tbody th{min-width:100%}}
@media print{:root{--page:#fff;--text:#000;--soft:#333;--card:#fff}h1{font-size:1.4rem}h2{margin-top:1.4rem}
.banner,.told li,.strip li,figure,.card,tr,.read div{break-inside:avoid}.banner,.strip li{print-color-adjust:exact}
.card{padding:.5rem .6rem}
details:not(.held)::details-content{content-visibility:visible;block-size:auto}details:not(.held) summary{display:none}
table{font-size:8.5pt}th,td{padding-top:.15rem;padding-bottom:.15rem}thead{display:table-header-group}
.columns th{max-width:14rem}.gauge{width:5rem}}
"""
