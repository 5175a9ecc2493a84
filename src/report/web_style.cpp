#include "report/web_style.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "base/sha256.h"

namespace surveysync::report {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#f5f5f2;--card:#fff;--ink:#1a1d1f;--soft:#585f66;--line:#e2e2dc;--track:#e8e8e2;
--ok:#17653a;--ok-bg:#e5f2e9;--warn:#7d4b00;--warn-bg:#fcf0d9;--bad:#a11d17;--bad-bg:#fae8e6;--run:#1d4f99;--run-bg:#e5edfa;
--idle:#50575d;--idle-bg:#ecece7;--bar:#2c7a6b;--bar2:#5ba091;--link:#1d4f99}
@media (prefers-color-scheme:dark){:root{--bg:#121416;--card:#1a1d20;--ink:#e9eaeb;--soft:#a3abb2;--line:#2b3034;--track:#2b3034;
--ok:#86dba6;--ok-bg:#15301f;--warn:#f1c071;--warn-bg:#33270f;--bad:#ffa49b;--bad-bg:#3b1a17;--run:#a3c7ff;--run-bg:#18273e;
--idle:#b3bac0;--idle-bg:#272b2f;--bar:#63bba9;--bar2:#3f7f72;--link:#a3c7ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
-webkit-text-size-adjust:100%;font-variant-numeric:tabular-nums}
.wrap{max-width:1080px;margin:0 auto;padding:0 24px}
h1,h2,h3,p,dl,dd,figure,table,ul{margin:0;padding:0}
a{color:var(--link);text-underline-offset:2px}
:focus-visible{outline:3px solid var(--run);outline-offset:2px;border-radius:4px}
code{font:.9em ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.skip{position:absolute;left:-9999px}.skip:focus{left:16px;top:8px;background:var(--card);padding:6px 12px;z-index:1}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.i{width:1.05em;height:1.05em;flex:none;vertical-align:-.16em}
.top{padding:22px 0 0;color:var(--soft);font-size:14px}
.top a{white-space:nowrap}.top .wrap{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:baseline;justify-content:space-between}
.brand{color:var(--ink);font-weight:650;font-size:16px;letter-spacing:-.01em}.brand svg{width:18px;height:18px;vertical-align:-3px;margin-right:8px}
.hero{display:flex;gap:18px;align-items:flex-start;margin:26px 0 30px}
.hero .mark{width:46px;height:46px;border-radius:50%;display:grid;place-items:center;flex:none;margin-top:2px}
.hero .mark .i{width:24px;height:24px}
.hero h1{font-size:29px;line-height:1.22;font-weight:650;letter-spacing:-.022em;text-wrap:balance}
.hero p{color:var(--soft);margin-top:4px}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}.run{color:var(--run)}.idle{color:var(--idle)}
.mark.ok,.pill.ok{background:var(--ok-bg)}.mark.warn,.pill.warn{background:var(--warn-bg)}.mark.bad,.pill.bad{background:var(--bad-bg)}
.mark.run,.pill.run{background:var(--run-bg)}.mark.idle,.pill.idle{background:var(--idle-bg)}
.pill{display:inline-flex;align-items:center;gap:6px;border-radius:99px;padding:2px 11px 2px 8px;font-size:14px;font-weight:600;white-space:nowrap}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:22px 24px;margin:0 0 18px}
.card>header{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center}
h2{font-size:19px;font-weight:650;letter-spacing:-.012em}
h3{font-size:15px;font-weight:650;margin-top:22px}
.quiet,.meta{color:var(--soft);font-size:14px}.meta{margin-top:3px}
.never{color:var(--soft)}time{white-space:nowrap}
.notice{border-left:4px solid currentColor;border-radius:8px;padding:12px 16px;margin:0 0 18px;background:var(--warn-bg)}
.notice p{color:var(--ink)}.notice strong{color:var(--warn)}
.incident{border-color:var(--bad);border-left-width:5px}.incident.mild{border-color:var(--warn)}
.incident p{margin-top:8px;overflow-wrap:anywhere}
.next{background:var(--idle-bg);border-radius:9px;padding:10px 14px}.next b{display:block;font-size:13px;color:var(--soft);font-weight:600}.next code{display:block;margin-top:4px;user-select:all}
.clocks{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));margin-top:18px;border:1px solid var(--line);border-radius:10px;overflow:hidden}
.clocks div{padding:11px 15px 12px;border-left:1px solid var(--line)}.clocks div:first-child{border-left:0}
dt{color:var(--soft);font-size:13px}.clocks dd{font-weight:600;line-height:1.35}.clocks small{display:block;font-weight:400;font-size:12.5px;color:var(--soft)}
.keys{list-style:none;margin-top:14px;font-size:14.5px;display:grid;gap:5px}.keys li{padding-left:23px;text-indent:-23px}.keys .i{margin-right:7px}
.progress{margin-top:16px}.progress p{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;font-size:14.5px;margin-bottom:6px}
.bar{display:block;width:100%;height:10px;border-radius:5px;background:var(--track);overflow:hidden}.bar .fill{fill:var(--run)}
.bar .fill.calm{fill:var(--bar)}
.budget+.budget{margin-top:16px}.budget p{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px;font-size:14.5px;margin:10px 0 6px}
details{margin-top:18px}summary{cursor:pointer;font-size:14.5px;color:var(--soft);width:fit-content;padding:4px 0}summary:hover{color:var(--ink)}
table{border-collapse:collapse;width:100%;font-size:14.5px;margin-top:10px}
caption{text-align:left}
th{font-weight:600;color:var(--soft);font-size:13px;text-align:left;vertical-align:bottom}
th,td{padding:8px 10px;border-bottom:1px solid var(--line)}tbody tr:last-child>*{border-bottom:0}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
tbody th{color:var(--ink);font-size:inherit;vertical-align:top;overflow-wrap:anywhere;min-width:7em}td{vertical-align:top}
.num{text-align:right;white-space:nowrap}.nowrap{white-space:nowrap}
tbody th small,td small{display:block;font-weight:400;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
td small.bad{color:var(--bad)}.state{display:inline-flex;gap:6px;align-items:center;font-weight:600}
figure{margin-top:14px}.plot{display:block;width:100%;height:150px;overflow:visible}
.plot .new{fill:var(--bar)}.plot .upd{fill:var(--bar2)}.plot line{stroke:var(--line);vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;color:var(--soft);font-size:13px}.axis.above{margin-bottom:2px}.axis.below{margin-top:4px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px;color:var(--soft)}.legend svg{width:12px;height:12px;margin-right:6px;vertical-align:-1px}
.legend .new{fill:var(--bar)}.legend .upd{fill:var(--bar2)}
.two{display:grid;grid-template-columns:3fr 2fr;gap:18px}.two .card{min-width:0}
footer{color:var(--soft);font-size:14px;padding:10px 0 40px}footer .wrap{display:flex;flex-wrap:wrap;gap:4px 22px}
@media (max-width:820px){.two{grid-template-columns:1fr;gap:0}}
@media (max-width:680px){
.wrap{padding:0 16px}.card{padding:18px 16px}.hero{gap:14px;margin:20px 0 22px}.hero h1{font-size:23px}.hero .mark{width:38px;height:38px}.hero .mark .i{width:20px;height:20px}
.clocks{grid-template-columns:repeat(2,minmax(0,1fr))}.clocks div{padding:10px 11px}.clocks time,.meta time,p time,li time{white-space:normal}.clocks div:nth-child(3){border-left:0}.clocks div:nth-child(n+3){border-top:1px solid var(--line)}
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack,.stack tbody{display:block}.stack tr{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:6px 12px;padding:13px 0;border-bottom:1px solid var(--line)}
.stack tbody tr:last-child{border-bottom:0;padding-bottom:0}
.stack.three tr{grid-template-columns:repeat(3,minmax(0,1fr))}
.stack th,.stack td{padding:0;border:0;text-align:left}.stack tbody th{grid-column:1/-1}.stack.three tbody th::before{content:"Run "}
.stack td:has(small.bad){grid-column:1/-1}
.stack td[data-label]::before{content:attr(data-label);display:block;color:var(--soft);font-size:12.5px}
}
@media (max-width:430px){.stack.three tr{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media print{body{background:#fff}.card{break-inside:avoid}}
)";

constexpr std::string_view kSprite =
    R"(<svg class="hidden" aria-hidden="true" focusable="false"><defs>)"
    R"(<symbol id="ok" viewBox="0 0 16 16"><path d="M3 8.5l3.3 3.3L13 4.8" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"/></symbol>)"
    R"(<symbol id="warn" viewBox="0 0 16 16"><path d="M8 2.2L15 14H1z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round"/><path d="M8 6.4v3.4M8 11.6v.6" stroke="currentColor" stroke-width="1.8" stroke-linecap="round"/></symbol>)"
    R"(<symbol id="bad" viewBox="0 0 16 16"><path d="M4 4l8 8M12 4l-8 8" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/></symbol>)"
    R"(<symbol id="held" viewBox="0 0 16 16"><path d="M5.4 3.4v9.2M10.6 3.4v9.2" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/></symbol>)"
    R"(<symbol id="run" viewBox="0 0 16 16"><path d="M8 2.6v7.6M4.6 7.2L8 10.6l3.4-3.4M3 13.6h10" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></symbol>)"
    R"(<symbol id="idle" viewBox="0 0 16 16"><circle cx="8" cy="8" r="5.6" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="2.6 2.2"/></symbol>)"
    R"(<symbol id="mark" viewBox="0 0 16 16"><path d="M2 4.5h7M2 8h12M7 11.5h7" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"/></symbol>)"
    R"(</defs></svg>)";

constexpr std::string_view kMark =
    R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2c7a6b"/>)"
    R"(<path d="M7 10.5h11M7 16h18M14 21.5h11" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>)"
    "\n";

/// RFC 4648 base64 of hex digits.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto nibble = [&](std::size_t at) -> std::uint32_t {
    const char c = at < hex.size() ? hex[at] : '0';
    return static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string out;
  for (std::size_t at = 0; at < hex.size(); at += 6) {  // three bytes become four digits
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 6; ++i)
      bits = bits << 4U | nibble(at + i);
    for (std::uint32_t shift = 24; shift > 0;) {
      shift -= 6;
      out += kDigits[bits >> shift & 63U];
    }
  }
  const std::size_t missing = (3 - hex.size() / 2 % 3) % 3;
  out.replace(out.size() - missing, missing, std::string(missing, '='));
  return out;
}

}  // namespace

std::string_view style_sheet() {
  return kStyle;
}

const std::string& style_hash() {
  static const std::string hash = "sha256-" + base64_of_hex(sha256_hex(kStyle));
  return hash;
}

std::string_view icon_sprite() {
  return kSprite;
}

std::string icon(std::string_view name) {
  return fmt::format(R"(<svg class="i" aria-hidden="true" focusable="false"><use href="#{}"/></svg>)", name);
}

std::string_view mark_svg() {
  return kMark;
}

}  // namespace surveysync::report
