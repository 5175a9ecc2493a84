#pragma once
// The words of the simulated surveys, each as its author typed it (markup, entities) and as a person reads it. Both are
// written by hand, so that the truth does not depend on anybody's HTML reader. Constants only.

#include <array>
#include <string_view>

namespace surveysync::sandbox {

struct Phrase {
  std::string_view english_html, english_plain, french_html, french_plain, spanish_html, spanish_plain;
};

inline constexpr std::array<Phrase, 10> kQuestions{{
    {"<p>How satisfied are you with <strong>service</strong> &amp; support?</p>",
     "How satisfied are you with service & support?", "<p>&Ecirc;tes-vous satisfait du <em>service</em>&#160;?</p>",
     "\xC3\x8Ates-vous satisfait du service\xC2\xA0?",
     "\xC2\xBF"
     "Est\xC3\xA1 satisfecho con el servicio?",
     "\xC2\xBF"
     "Est\xC3\xA1 satisfecho con el servicio?"},
    {"Where do you live?", "Where do you live?", "O\xC3\xB9 habitez-vous ?", "O\xC3\xB9 habitez-vous ?",
     "\xC2\xBF"
     "D\xC3\xB3nde vive?",
     "\xC2\xBF"
     "D\xC3\xB3nde vive?"},
    {"<span style=\"color:#f00\">Which of these</span> do you own?", "Which of these do you own?",
     "Lesquels poss&eacute;dez-vous ?",
     "Lesquels poss\xC3\xA9"
     "dez-vous ?",
     "\xC2\xBF"
     "Cu\xC3\xA1les posee?",
     "\xC2\xBF"
     "Cu\xC3\xA1les posee?"},
    {"Is it &lt; 5 or &gt; 10 minutes?", "Is it < 5 or > 10 minutes?", "Moins de 5 minutes ?", "Moins de 5 minutes ?",
     "\xC2\xBFMenos de 5 minutos?", "\xC2\xBFMenos de 5 minutos?"},
    {"Tell us \xE2\x80\x93 in your words \xE2\x80\x93 what we could do better",
     "Tell us \xE2\x80\x93 in your words \xE2\x80\x93 what we could do better", "Que pourrions-nous am\xC3\xA9liorer ?",
     "Que pourrions-nous am\xC3\xA9liorer ?",
     "\xC2\xBFQu\xC3\xA9 mejorar\xC3\xAD"
     "a?",
     "\xC2\xBFQu\xC3\xA9 mejorar\xC3\xAD"
     "a?"},
    {"How likely are you to recommend &quot;us&quot;?", "How likely are you to recommend \"us\"?",
     "Recommanderiez-vous notre soci&eacute;t&eacute; ?", "Recommanderiez-vous notre soci\xC3\xA9t\xC3\xA9 ?",
     "\xC2\xBFNos recomendar\xC3\xAD"
     "a?",
     "\xC2\xBFNos recomendar\xC3\xAD"
     "a?"},
    {"Your <a href=\"https://example.com/a?b=1&amp;c=2\">details</a>", "Your details",
     "Vos coordonn\xC3\xA9"
     "es",
     "Vos coordonn\xC3\xA9"
     "es",
     "Sus datos", "Sus datos"},
    {"Rate each of them", "Rate each of them", "Notez chacun", "Notez chacun", "Valore cada uno", "Valore cada uno"},
    {"What did it cost \xE2\x82\xAC / month?", "What did it cost \xE2\x82\xAC / month?", "Quel co\xC3\xBBt par mois ?",
     "Quel co\xC3\xBBt par mois ?",
     "\xC2\xBF"
     "Cu\xC3\xA1nto cuesta al mes?",
     "\xC2\xBF"
     "Cu\xC3\xA1nto cuesta al mes?"},
    {"It&#39;s about the &#8217;new&#x2019; office \xF0\x9F\x98\x80",
     "It's about the \xE2\x80\x99new\xE2\x80\x99 office \xF0\x9F\x98\x80", "Le nouveau bureau", "Le nouveau bureau",
     "La nueva oficina", "La nueva oficina"},
}};

inline constexpr std::array<Phrase, 8> kChoices{{
    {"Very good", "Very good", "Tr\xC3\xA8s bien", "Tr\xC3\xA8s bien", "Muy bueno", "Muy bueno"},
    {"Good", "Good", "Bien", "Bien", "Bueno", "Bueno"},
    {"Neither/nor", "Neither/nor", "Ni l'un ni l'autre", "Ni l'un ni l'autre", "Ni uno ni otro", "Ni uno ni otro"},
    {"Bad", "Bad", "Mauvais", "Mauvais", "Malo", "Malo"},
    {"Research &amp; development", "Research & development", "Recherche", "Recherche", "Investigaci\xC3\xB3n",
     "Investigaci\xC3\xB3n"},
    {"Z\xC3\xBCrich", "Z\xC3\xBCrich", "Zurich", "Zurich", "Z\xC3\xBArich", "Z\xC3\xBArich"},
    {"<b>None</b> of these", "None of these", "Aucun", "Aucun", "Ninguno", "Ninguno"},
    {"\xE6\x9D\xB1\xE4\xBA\xAC", "\xE6\x9D\xB1\xE4\xBA\xAC", "Tokyo", "Tokyo", "Tokio", "Tokio"},
}};

inline constexpr std::array<std::string_view, 10> kWords{
    "river",  "na\xC3\xAFve",     "quick", "delta", "\xE6\xBC\xA2\xE5\xAD\x97",
    "orange", "\xF0\x9F\x91\x8D", "paper", "ab/cd", "\"quoted\""};

}  // namespace surveysync::sandbox
