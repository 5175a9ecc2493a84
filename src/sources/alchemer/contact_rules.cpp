#include "sources/alchemer/contact_rules.h"

namespace surveysync::sources::alchemer {

MemberRules contact_rules(const Privacy& privacy) {
  static const std::vector<std::string> kStays = {"id",
                                                  "contact_id",
                                                  "survey_id",
                                                  "campaign_id",
                                                  "invite_id",
                                                  "list_id",
                                                  "contact_list_id",
                                                  "contact_lists",
                                                  "user_id",
                                                  "team_id",
                                                  "teams",
                                                  "response_id",
                                                  "_type",
                                                  "_subtype",
                                                  "type",
                                                  "subtype",
                                                  "status",
                                                  "estatus",
                                                  "eStatus",
                                                  "subscriber_status",
                                                  "esubscriber_status",
                                                  "date_last_sent",
                                                  "date_created",
                                                  "date_modified",
                                                  "created_on",
                                                  "modified_on",
                                                  "last_login",
                                                  "language",
                                                  "license",
                                                  "result_ok"};
  MemberRules rules;
  rules.others(privacy.of("contacts"));
  rules.treat(kStays, Treatment::keep);
  return rules;
}

}  // namespace surveysync::sources::alchemer
