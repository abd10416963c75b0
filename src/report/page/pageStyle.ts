import { darkRules, TONES } from "../plots/theme.js";

const variables = (scheme: "light" | "dark") =>
  Object.entries(TONES)
    .map(([name, tone]) => `--${name}:${tone[scheme]}`)
    .join(";");

/** The page's style sheet: one column of wide things, plots two abreast where there is room, light and dark. */
export const pageStyle = (): string => `
:root{${variables("light")};color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;font-weight:650}
h2{font-size:18px;margin:40px 0 12px;font-weight:650}
p{margin:0 0 8px}
.muted{color:var(--muted)}
.wide{overflow-x:auto;margin:0 0 12px}
figure.full{margin:20px 0 16px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap;vertical-align:top}
th{color:var(--muted);font-weight:500;font-size:13px}
.number{text-align:right}
tbody tr:hover{background:var(--raised)}
.chip{width:11px;height:11px;margin-right:8px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 12px;padding:0;list-style:none}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:16px}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:6px;overflow:hidden}
figure svg{display:block;width:100%}
details{border:1px solid var(--line);border-radius:8px;margin:0 0 8px;padding:0 14px}
summary{cursor:pointer;padding:10px 0;font-weight:550}
details[open]{padding-bottom:10px}
.values td{white-space:normal;overflow-wrap:anywhere;padding:4px 12px 4px 0}
.values td:first-child{color:var(--muted);width:220px}
code,.values td:last-child{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media print{details{break-inside:avoid}figure{break-inside:avoid}}
${darkRules()}
`;
