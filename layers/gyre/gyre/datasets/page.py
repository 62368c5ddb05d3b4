"""What every page that Gyre keeps has in common: one look in light, dark and print; nothing runs or is fetched."""

from gyre.datasets.report_parts import shown

_STYLE = """
:root{color-scheme:light dark;--page:#fff;--card:#f7f8fa;--text:#1b1f24;--soft:#57606a;--line:#d5dae1;--rail:#e3e7ec;
--bar:#2f6fb5;--good:#1a7f5a;--bad:#b3382c;--left:#6b7480;--warn:#8a5a00}
@media screen and (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1c2026;--text:#e5e8ec;--soft:#a4adb8;
--line:#353c45;--rail:#2d343d;--bar:#6aa5e6;--good:#48b98b;--bad:#f0857a;--left:#8d97a4;--warn:#e0b15c}}
*{box-sizing:border-box}
body{font:1rem/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;color:var(--text);background:var(--page);
max-width:70rem;margin:0 auto;padding:2rem 1.25rem 3rem;font-variant-numeric:tabular-nums}
h1{font-size:1.7rem;line-height:1.25;margin:.25rem 0 .5rem;text-wrap:balance}
h2{font-size:1.15rem;margin:2.5rem 0 .6rem}
h3{font-size:1rem;margin:0 0 .5rem;overflow-wrap:anywhere}
p{margin:.4rem 0;max-width:48rem}
.over,.note,dt,.type,figcaption{color:var(--soft);font-size:.86rem}
.over{margin:0}.type{font-weight:400;margin-left:.25rem}
.verdict{border-left:.4rem solid var(--good);padding:.1rem 0 .1rem 1rem}
.refused{border-color:var(--bad)}
.mark{color:var(--good)}.refused .mark{color:var(--bad)}
code{font:.92em ui-monospace,"SF Mono",Menlo,Consolas,monospace;unicode-bidi:isolate;overflow-wrap:anywhere}
dl{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:.75rem 0}
dt,dd{margin:0;line-height:1.35}dd{overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.4rem .9rem .4rem 0;border-top:1px solid var(--line);
unicode-bidi:isolate}
thead td{border:0}thead th{border-top:0;color:var(--soft);font-weight:500;font-size:.86rem}
tbody th{font-weight:500}
.n{text-align:right;white-space:nowrap}
.alerts{padding:0;list-style:none;margin:0}
.alerts li{border-left:.25rem solid var(--warn);padding:.15rem 0 .15rem .75rem;margin:.4rem 0;overflow-wrap:anywhere}
svg{display:block}.bar rect{fill:var(--bar)}
.bar{width:100%;height:8px;margin-top:.35rem;background:var(--rail)}
figure{margin:.75rem 0 0}figcaption{margin-top:.2rem}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.75rem}
"""
# Last, so that it holds against what a page says of itself.
_PRINT = """
@media print{:root{font-size:10pt}body{max-width:none;padding:0}.card,tr,.verdict,li{break-inside:avoid}
h2{break-after:avoid}.wide{overflow:visible}.cards{grid-template-columns:1fr 1fr}svg{print-color-adjust:exact}}
"""


def page(title: str, body: str, style: str, *, pictures: bool = False) -> str:
    """The whole document. The body is finished; the browser is told to run and fetch nothing."""
    allowed = "default-src 'none'; style-src 'unsafe-inline'" + ("; img-src data:" if pictures else "")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
        f"<title>{shown(title, 300)}</title><style>{_STYLE}{style}{_PRINT}</style></head><body>{body}</body></html>"
    )
