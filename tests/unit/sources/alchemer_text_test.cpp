#include <gtest/gtest.h>

#include "sources/alchemer/text.h"

namespace surveysync::sources::alchemer {
namespace {

TEST(PlainText, RemovesMarkup) {
  EXPECT_EQ(plain_text("<strong>How</strong> are <em class=\"a>b\">you</em>?"), "How are you?");
  EXPECT_EQ(plain_text("a<br>b<br/>c<p>d</p>e"), "a b c d e");
  EXPECT_EQ(plain_text("<div><span style='x'>W</span>ord</div><!-- <b>no</b> --> z"), "Word z");
  EXPECT_EQ(plain_text("a<script type=\"x\">if (a < b) {}</script>b<STYLE>p {}</style >c"), "abc");
  EXPECT_EQ(plain_text("<!DOCTYPE html><?php x ?>t"), "t");
  EXPECT_EQ(plain_text("<ul><li>one</li><li>two</li></ul>"), "one two");
  EXPECT_EQ(plain_text("<td>a</td><td>b</td>"), "a b");
}

TEST(PlainText, KeepsWhatIsNoTag) {
  EXPECT_EQ(plain_text("1 < 2 and 3 > 2 <3"), "1 < 2 and 3 > 2 <3");
  EXPECT_EQ(plain_text("a <b"), "a <b");
  EXPECT_EQ(plain_text("R&D & more; AT&T"), "R&D & more; AT&T");
  EXPECT_EQ(plain_text("&nosuch; &; &#; &#x;"), "&nosuch; &; &#; &#x;");
}

TEST(PlainText, ResolvesEntitiesOnce) {
  EXPECT_EQ(plain_text("Tom &amp; Jerry &lt;b&gt; &quot;x&quot; &#39;y&#39; &apos;"), "Tom & Jerry <b> \"x\" 'y' '");
  EXPECT_EQ(plain_text("&eacute;&Uuml;&euro;&hellip;&ndash;&rsquo;"), "éÜ€…–’");
  EXPECT_EQ(plain_text("&#233;&#x20AC;&#X20ac;&#128512;&#8217"), "é€€😀’");
  EXPECT_EQ(plain_text("&#150;&#0;&#xD800;&#1114112;&#99999999999;"), "–\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(plain_text("&amp;lt;"), "&lt;");
}

TEST(PlainText, CollapsesWhiteSpace) {
  EXPECT_EQ(plain_text("  a \t\r\n b&nbsp;&nbsp;c\xC2\xA0 d&#160;"), "a b c d");
  EXPECT_EQ(plain_text(" <br> "), "");
  EXPECT_EQ(plain_text("\xC2\xA0"), "");
  EXPECT_EQ(plain_text("\xC2\xA9 x\xE3\x80\x80y"), "\xC2\xA9 x\xE3\x80\x80y");
}

std::string title(std::string_view json, std::string_view language) {
  json::Document document;
  return title_text(document.parse_copy(json), language);
}

TEST(TitleText, ChoosesALanguage) {
  const char* both = R"({"French":"Quoi?","English":"<b>What?</b>","German":"Was?"})";
  EXPECT_EQ(title(both, "German"), "Was?");
  EXPECT_EQ(title(both, ""), "What?");
  EXPECT_EQ(title(both, "Spanish"), "What?");
  EXPECT_EQ(title(R"({"English":"","French":"<br>","German":"Was?"})", "French"), "Was?");
  EXPECT_EQ(title(R"({"English":5})", "English"), "5");
  EXPECT_EQ(title(R"({"English":[],"French":{}})", "English"), "");
}

TEST(TitleText, TakesWhateverPhpSends) {
  EXPECT_EQ(title("[]", "English"), "");
  EXPECT_EQ(title("null", "English"), "");
  EXPECT_EQ(title("\"a &amp; b\"", "English"), "a & b");
  EXPECT_EQ(title("7", "English"), "7");
  EXPECT_EQ(title(R"(["first"])", "English"), "first");
}

}  // namespace
}  // namespace surveysync::sources::alchemer
