import { darkRules, SERIES_TONES, TONES } from "../plots/theme.js";

const variables = (scheme: "light" | "dark") =>
  [
    ...Object.entries(TONES).map(([name, tone]) => `--${name}:${tone[scheme]}`),
    ...SERIES_TONES.map((tone, index) => `--series-${index}:${tone[scheme]}`),
  ].join(";");

/**
 * The page's style sheet: text in lines that can be read, tables and plots as wide as there is room, light and dark, and
 * on paper. Tables that are too wide become cards (htmlTable.ts).
 */
export const pageStyle = (): string => `
:root{${variables("light")};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:2400px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:18px;margin:40px 0 12px;font-weight:650}
p{margin:0 0 8px;max-width:110ch;overflow-wrap:anywhere}
.muted{color:var(--muted)}
:focus-visible{outline:2px solid var(--series-0);outline-offset:2px}
.wide{container-type:inline-size;margin:0 0 12px}
.scrolled{overflow-x:auto}
table{border-collapse:collapse;min-width:min(100%,1100px);font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:7px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline}
th{color:var(--muted);font-weight:500;font-size:13px;vertical-align:bottom}
td{white-space:nowrap}
td.long{white-space:normal;overflow-wrap:anywhere;min-width:32ch}
.number{text-align:right}
tbody tr:hover{background:var(--raised)}
th button{all:unset;cursor:pointer;border-bottom:1px dotted}
th button:focus-visible{outline:2px solid var(--series-0)}
th[aria-sort]{color:var(--ink)}
th[aria-sort=ascending] button::after{content:" ▲" / ""}
th[aria-sort=descending] button::after{content:" ▼" / ""}
.tools input{font:inherit;color:inherit;background:var(--surface);border:1px solid var(--muted);border-radius:6px;padding:3px 8px;max-width:100%}
.pick{width:16px;height:16px;margin:2px 8px 0 0;vertical-align:-2px;accent-color:var(--series-0)}
#comparison button{font:inherit;color:inherit;background:var(--raised);border:1px solid var(--muted);border-radius:6px;padding:2px 10px;cursor:pointer}
.compared{table-layout:fixed}
.compared td,.compared th{white-space:normal;overflow-wrap:anywhere}
.chip{display:inline-block;width:11px;height:11px;margin-right:8px;border-radius:2px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 12px;padding:0;list-style:none}
.legend li{overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:16px;margin:0 0 16px}
.full{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,1000px),1fr));gap:16px;margin:0 0 16px}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:6px}
.drawing svg{display:block;width:100%;max-width:1400px!important;margin:0 auto}
.drawing.narrow{display:none}
.mark{fill:none;stroke:var(--ink);stroke-width:1.5}
.tip{position:absolute;z-index:9;background:var(--surface);border:1px solid var(--muted);border-radius:8px;padding:8px 12px;font-size:13px;pointer-events:none;max-width:min(420px,calc(100vw - 16px));box-shadow:0 2px 12px #0003}
.tip p{margin:0}
.tip.many{columns:2;max-width:min(840px,calc(100vw - 16px))}
.tip[hidden]{display:none}
details{border:1px solid var(--line);border-radius:8px;margin:0 0 8px;padding:0 14px}
summary{cursor:pointer;padding:10px 0;font-weight:550;overflow-wrap:anywhere}
details[open]{padding-bottom:10px}
.values{min-width:0;width:100%;table-layout:fixed}
.values td,.values th{white-space:normal;overflow-wrap:anywhere;padding:4px 12px 4px 0;text-align:left;vertical-align:baseline}
.values th{width:min(260px,40%)}
.values td{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (max-width:760px){main{padding:20px 12px 48px}.drawing.broad{display:none}.drawing.narrow{display:block}}
@media print{
main{max-width:none;padding:0}
.tools,.tip,.pick,#following{display:none}
details::details-content{content-visibility:visible;block-size:auto}
figure,details,tbody tr{break-inside:avoid}
h2{break-after:avoid}
}
${darkRules()}
`;
