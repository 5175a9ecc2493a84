-- Alchemer's other objects: what belongs to the account, and what belongs to a survey beside its definition and responses.
-- Ids are the vendor's, outermost first; columns have the vendor's names in snake case. Texts are as sent, "" too.

CREATE TABLE alchemer.account (
    source                 text COLLATE "C" NOT NULL,
    account_id             bigint NOT NULL,
    organization           text,
    contact_phone          text,
    reseller               text,
    resellers_customer_id  text,
    reseller_uuid          text,
    sso                    jsonb,
    date_created           timestamptz,
    login_link             text,
    payload                json NOT NULL,
    payload_raw            bytea,
    payload_hash           bytea NOT NULL,
    flags                  text[],
    first_seen_at          timestamptz NOT NULL,
    changed_at             timestamptz NOT NULL,
    deleted_at             timestamptz,
    run_id                 bigint NOT NULL,
    PRIMARY KEY (source, account_id)
);
COMMENT ON TABLE alchemer.account IS 'The account itself.';
COMMENT ON COLUMN alchemer.account.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.account.account_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.account.organization IS 'As sent.';
COMMENT ON COLUMN alchemer.account.contact_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.account.reseller IS 'As sent.';
COMMENT ON COLUMN alchemer.account.resellers_customer_id IS 'As sent.';
COMMENT ON COLUMN alchemer.account.reseller_uuid IS 'As sent.';
COMMENT ON COLUMN alchemer.account.sso IS 'As sent.';
COMMENT ON COLUMN alchemer.account.date_created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.account.login_link IS 'As sent.';
COMMENT ON COLUMN alchemer.account.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.account.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.account.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.account.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.account.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.account.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.account.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.account.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.team (
    source         text COLLATE "C" NOT NULL,
    team_id        bigint NOT NULL,
    team_name      text,
    description    text,
    default_role   bigint,
    status         text,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, team_id)
);
COMMENT ON TABLE alchemer.team IS 'Teams of the account.';
COMMENT ON COLUMN alchemer.team.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.team.team_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.team.team_name IS 'As sent.';
COMMENT ON COLUMN alchemer.team.description IS 'As sent.';
COMMENT ON COLUMN alchemer.team.default_role IS 'The role of new members; null when none.';
COMMENT ON COLUMN alchemer.team.status IS 'As sent.';
COMMENT ON COLUMN alchemer.team.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.team.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.team.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.team.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.team.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.team.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.team.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.team.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.account_user (
    source           text COLLATE "C" NOT NULL,
    account_user_id  bigint NOT NULL,
    username         text,
    email            text,
    admin            bigint,
    phone_support    bigint,
    userdata         jsonb,
    license          text,
    defaultteam      bigint,
    status           text,
    last_login       timestamptz,
    payload          json NOT NULL,
    payload_raw      bytea,
    payload_hash     bytea NOT NULL,
    flags            text[],
    first_seen_at    timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    deleted_at       timestamptz,
    run_id           bigint NOT NULL,
    PRIMARY KEY (source, account_user_id)
);
COMMENT ON TABLE alchemer.account_user IS 'Users of the account. Their API keys are never stored.';
COMMENT ON COLUMN alchemer.account_user.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.account_user.account_user_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.account_user.username IS 'As sent.';
COMMENT ON COLUMN alchemer.account_user.email IS 'As sent.';
COMMENT ON COLUMN alchemer.account_user.admin IS '1: may administer the account.';
COMMENT ON COLUMN alchemer.account_user.phone_support IS '1: has phone support.';
COMMENT ON COLUMN alchemer.account_user.userdata IS 'Fields of users that the account has defined, as sent.';
COMMENT ON COLUMN alchemer.account_user.license IS 'As sent.';
COMMENT ON COLUMN alchemer.account_user.defaultteam IS 'The user''s team (alchemer.team); null when none.';
COMMENT ON COLUMN alchemer.account_user.status IS 'As sent.';
COMMENT ON COLUMN alchemer.account_user.last_login IS 'Null when never.';
COMMENT ON COLUMN alchemer.account_user.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.account_user.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.account_user.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.account_user.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.account_user.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.account_user.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.account_user.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.account_user.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.contact_custom_field (
    source                   text COLLATE "C" NOT NULL,
    contact_custom_field_id  bigint NOT NULL,
    name                     text,
    type                     text,
    payload                  json NOT NULL,
    payload_raw              bytea,
    payload_hash             bytea NOT NULL,
    flags                    text[],
    first_seen_at            timestamptz NOT NULL,
    changed_at               timestamptz NOT NULL,
    deleted_at               timestamptz,
    run_id                   bigint NOT NULL,
    PRIMARY KEY (source, contact_custom_field_id)
);
COMMENT ON TABLE alchemer.contact_custom_field IS 'Fields of contacts that the account has defined.';
COMMENT ON COLUMN alchemer.contact_custom_field.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.contact_custom_field.contact_custom_field_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.contact_custom_field.name IS 'As sent.';
COMMENT ON COLUMN alchemer.contact_custom_field.type IS 'As sent.';
COMMENT ON COLUMN alchemer.contact_custom_field.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.contact_custom_field.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.contact_custom_field.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.contact_custom_field.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.contact_custom_field.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.contact_custom_field.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.contact_custom_field.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.contact_custom_field.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.contact_list (
    source            text COLLATE "C" NOT NULL,
    contact_list_id   bigint NOT NULL,
    list_name         text,
    date_created      timestamptz,
    date_modified     timestamptz,
    user_id_created   bigint,
    user_id_modified  bigint,
    payload           json NOT NULL,
    payload_raw       bytea,
    payload_hash      bytea NOT NULL,
    flags             text[],
    first_seen_at     timestamptz NOT NULL,
    changed_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    run_id            bigint NOT NULL,
    PRIMARY KEY (source, contact_list_id)
);
COMMENT ON TABLE alchemer.contact_list IS 'Lists of contacts.';
COMMENT ON COLUMN alchemer.contact_list.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.contact_list.contact_list_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.contact_list.list_name IS 'As sent.';
COMMENT ON COLUMN alchemer.contact_list.date_created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.contact_list.date_modified IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.contact_list.user_id_created IS 'The user who made it.';
COMMENT ON COLUMN alchemer.contact_list.user_id_modified IS 'The user who changed it last; 0 when nobody did.';
COMMENT ON COLUMN alchemer.contact_list.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.contact_list.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.contact_list.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.contact_list.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.contact_list.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.contact_list.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.contact_list.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.contact_list.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.contact (
    source                   text COLLATE "C" NOT NULL,
    contact_list_id          bigint NOT NULL,
    contact_id               bigint NOT NULL,
    email_address            text,
    status                   text,
    first_name               text,
    last_name                text,
    organization             text,
    division                 text,
    department               text,
    "group"                  text,
    role                     text,
    is_manager               boolean,
    team                     text,
    home_phone               text,
    fax_phone                text,
    business_phone           text,
    mailing_address          text,
    mailing_address2         text,
    mailing_address_city     text,
    mailing_address_state    text,
    mailing_address_postal   text,
    mailing_address_country  text,
    title                    text,
    url                      text,
    custom_fields            jsonb,
    payload                  json NOT NULL,
    payload_raw              bytea,
    payload_hash             bytea NOT NULL,
    flags                    text[],
    first_seen_at            timestamptz NOT NULL,
    changed_at               timestamptz NOT NULL,
    deleted_at               timestamptz,
    run_id                   bigint NOT NULL,
    PRIMARY KEY (source, contact_list_id, contact_id)
);
COMMENT ON TABLE alchemer.contact IS 'Contacts of the contact lists; only where the configuration asks for them.';
COMMENT ON COLUMN alchemer.contact.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.contact.contact_list_id IS 'What it belongs to (alchemer.contact_list).';
COMMENT ON COLUMN alchemer.contact.contact_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.contact.email_address IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.status IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.first_name IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.last_name IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.organization IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.division IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.department IS 'As sent.';
COMMENT ON COLUMN alchemer.contact."group" IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.role IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.is_manager IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.team IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.home_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.fax_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.business_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address2 IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address_city IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address_state IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address_postal IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.mailing_address_country IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.title IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.url IS 'As sent.';
COMMENT ON COLUMN alchemer.contact.custom_fields IS 'Fields of the account''s own: {name: value}.';
COMMENT ON COLUMN alchemer.contact.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.contact.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.contact.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.contact.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.contact.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.contact.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.contact.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.contact.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.domain (
    source         text COLLATE "C" NOT NULL,
    domain_id      bigint NOT NULL,
    customer_id    bigint,
    type           text,
    domain         text,
    redirect       text,
    e_status       text,
    created        timestamptz,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, domain_id)
);
COMMENT ON TABLE alchemer.domain IS 'Domains under which surveys are shown.';
COMMENT ON COLUMN alchemer.domain.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.domain.domain_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.domain.customer_id IS 'The account that it belongs to.';
COMMENT ON COLUMN alchemer.domain.type IS 'Private or Subdomain.';
COMMENT ON COLUMN alchemer.domain.domain IS 'As sent.';
COMMENT ON COLUMN alchemer.domain.redirect IS 'As sent.';
COMMENT ON COLUMN alchemer.domain.e_status IS 'As sent.';
COMMENT ON COLUMN alchemer.domain.created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.domain.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.domain.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.domain.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.domain.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.domain.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.domain.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.domain.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.domain.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.theme (
    source         text COLLATE "C" NOT NULL,
    theme_id       bigint NOT NULL,
    status         text,
    created        timestamptz,
    name           text,
    style_options  jsonb,
    body           text,
    css            text,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, theme_id)
);
COMMENT ON TABLE alchemer.theme IS 'Themes: how surveys look.';
COMMENT ON COLUMN alchemer.theme.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.theme.theme_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.theme.status IS 'As sent.';
COMMENT ON COLUMN alchemer.theme.created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.theme.name IS 'As sent.';
COMMENT ON COLUMN alchemer.theme.style_options IS '{name: value}, as sent.';
COMMENT ON COLUMN alchemer.theme.body IS 'As sent.';
COMMENT ON COLUMN alchemer.theme.css IS 'As sent.';
COMMENT ON COLUMN alchemer.theme.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.theme.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.theme.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.theme.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.theme.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.theme.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.theme.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.theme.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.sso (
    source              text COLLATE "C" NOT NULL,
    sso_id              bigint NOT NULL,
    entity_id           text,
    login               text,
    logout              text,
    cert_fingerprint    text,
    customerid          bigint,
    created             timestamptz,
    d_modified          timestamptz,
    status              text,
    cert_domain         text,
    user_last_modified  bigint,
    creatusers          boolean,
    userteam            bigint,
    userlicense         bigint,
    userrole            bigint,
    i_user_id_created   bigint,
    usersolo            boolean,
    email_notification  text,
    disable_users       bigint,
    weeks_to_disable    bigint,
    type                text,
    attributes          jsonb,
    name                text,
    force_sso_login     boolean,
    user_deleted        text,
    deleted             text,
    sp_metadata         text,
    sp_login            text,
    payload             json NOT NULL,
    payload_raw         bytea,
    payload_hash        bytea NOT NULL,
    flags               text[],
    first_seen_at       timestamptz NOT NULL,
    changed_at          timestamptz NOT NULL,
    deleted_at          timestamptz,
    run_id              bigint NOT NULL,
    PRIMARY KEY (source, sso_id)
);
COMMENT ON TABLE alchemer.sso IS 'Single sign-on integrations.';
COMMENT ON COLUMN alchemer.sso.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.sso.sso_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.sso.entity_id IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.login IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.logout IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.cert_fingerprint IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.customerid IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.sso.d_modified IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.sso.status IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.cert_domain IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.user_last_modified IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.creatusers IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.userteam IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.userlicense IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.userrole IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.i_user_id_created IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.usersolo IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.email_notification IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.disable_users IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.weeks_to_disable IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.type IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.attributes IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.name IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.force_sso_login IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.user_deleted IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.deleted IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.sp_metadata IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.sp_login IS 'As sent.';
COMMENT ON COLUMN alchemer.sso.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.sso.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.sso.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.sso.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.sso.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.sso.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.sso.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.sso.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.campaign (
    source                 text COLLATE "C" NOT NULL,
    survey_id              bigint NOT NULL,
    campaign_id            bigint NOT NULL,
    invite_id              bigint,
    type                   text,
    link_type              text,
    subtype                text,
    status                 text,
    name                   text,
    uri                    text,
    ssl                    boolean,
    token_variables        text,
    limit_responses        bigint,
    close_message          text,
    link_open_date         timestamptz,
    link_close_date        timestamptz,
    language               text,
    date_created           timestamptz,
    date_modified          timestamptz,
    primary_theme_content  text,
    primary_theme_options  jsonb,
    payload                json NOT NULL,
    payload_raw            bytea,
    payload_hash           bytea NOT NULL,
    flags                  text[],
    first_seen_at          timestamptz NOT NULL,
    changed_at             timestamptz NOT NULL,
    deleted_at             timestamptz,
    run_id                 bigint NOT NULL,
    PRIMARY KEY (source, survey_id, campaign_id)
);
COMMENT ON TABLE alchemer.campaign IS 'Campaigns and links of a survey.';
COMMENT ON COLUMN alchemer.campaign.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.campaign.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.campaign.campaign_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.campaign.invite_id IS 'Null for links.';
COMMENT ON COLUMN alchemer.campaign.type IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.link_type IS 'link or email.';
COMMENT ON COLUMN alchemer.campaign.subtype IS 'standard, hiddenlink, private, shortlink, subdomain, …';
COMMENT ON COLUMN alchemer.campaign.status IS 'Active or Closed; deleted ones are marked deleted.';
COMMENT ON COLUMN alchemer.campaign.name IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.uri IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.ssl IS 'Whether the link is https.';
COMMENT ON COLUMN alchemer.campaign.token_variables IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.limit_responses IS 'Null when there is no limit.';
COMMENT ON COLUMN alchemer.campaign.close_message IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.link_open_date IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.campaign.link_close_date IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.campaign.language IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.date_created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.campaign.date_modified IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.campaign.primary_theme_content IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.primary_theme_options IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.campaign.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.campaign.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.campaign.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.campaign.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.campaign.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.campaign.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.campaign.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.campaign_contact (
    source                   text COLLATE "C" NOT NULL,
    survey_id                bigint NOT NULL,
    campaign_id              bigint NOT NULL,
    campaign_contact_id      bigint NOT NULL,
    email_address            text,
    first_name               text,
    last_name                text,
    organization             text,
    division                 text,
    department               text,
    team                     text,
    "group"                  text,
    role                     text,
    home_phone               text,
    fax_phone                text,
    business_phone           text,
    mobilephone              text,
    mailing_address          text,
    mailing_address2         text,
    mailing_address_city     text,
    mailing_address_state    text,
    mailing_address_postal   text,
    mailing_address_country  text,
    title                    text,
    url                      text,
    status                   text,
    subscriber_status        text,
    date_last_sent           timestamptz,
    customfield1             text,
    customfield2             text,
    customfield3             text,
    customfield4             text,
    customfield5             text,
    customfield6             text,
    customfield7             text,
    customfield8             text,
    customfield9             text,
    customfield10            text,
    invitelink               text,
    custom_fields            jsonb,
    payload                  json NOT NULL,
    payload_raw              bytea,
    payload_hash             bytea NOT NULL,
    flags                    text[],
    first_seen_at            timestamptz NOT NULL,
    changed_at               timestamptz NOT NULL,
    deleted_at               timestamptz,
    run_id                   bigint NOT NULL,
    PRIMARY KEY (source, survey_id, campaign_id, campaign_contact_id)
);
COMMENT ON TABLE alchemer.campaign_contact IS 'People whom a campaign addresses; only where the configuration asks for them.';
COMMENT ON COLUMN alchemer.campaign_contact.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.campaign_contact.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.campaign_contact.campaign_id IS 'What it belongs to (alchemer.campaign).';
COMMENT ON COLUMN alchemer.campaign_contact.campaign_contact_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.campaign_contact.email_address IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.first_name IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.last_name IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.organization IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.division IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.department IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.team IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact."group" IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.role IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.home_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.fax_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.business_phone IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mobilephone IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address2 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address_city IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address_state IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address_postal IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.mailing_address_country IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.title IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.url IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.status IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.subscriber_status IS 'Unsent, Sent, Bounced, Partial (at least one page was submitted), Complete.';
COMMENT ON COLUMN alchemer.campaign_contact.date_last_sent IS 'Null when never.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield1 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield2 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield3 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield4 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield5 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield6 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield7 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield8 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield9 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.customfield10 IS 'As sent.';
COMMENT ON COLUMN alchemer.campaign_contact.invitelink IS 'The person''s own link; the vendor shows it only where one contact is asked for alone.';
COMMENT ON COLUMN alchemer.campaign_contact.custom_fields IS 'Fields of the account''s own: {name: value}.';
COMMENT ON COLUMN alchemer.campaign_contact.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.campaign_contact.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.campaign_contact.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.campaign_contact.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.campaign_contact.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.campaign_contact.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.campaign_contact.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.campaign_contact.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.email_message (
    source            text COLLATE "C" NOT NULL,
    survey_id         bigint NOT NULL,
    campaign_id       bigint NOT NULL,
    email_message_id  bigint NOT NULL,
    subtype           text,
    message_type      text,
    medium            text,
    invite_identity   bigint,
    status            text,
    "from"            jsonb,
    subject           text,
    body              jsonb,
    footer            text,
    embed_question    boolean,
    disable_styles    boolean,
    date_created      timestamptz,
    date_modified     timestamptz,
    payload           json NOT NULL,
    payload_raw       bytea,
    payload_hash      bytea NOT NULL,
    flags             text[],
    first_seen_at     timestamptz NOT NULL,
    changed_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    run_id            bigint NOT NULL,
    PRIMARY KEY (source, survey_id, campaign_id, email_message_id)
);
COMMENT ON TABLE alchemer.email_message IS 'Messages and reminders of e-mail campaigns.';
COMMENT ON COLUMN alchemer.email_message.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.email_message.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.email_message.campaign_id IS 'What it belongs to (alchemer.campaign).';
COMMENT ON COLUMN alchemer.email_message.email_message_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.email_message.subtype IS 'message or reminder.';
COMMENT ON COLUMN alchemer.email_message.message_type IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.medium IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.invite_identity IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.status IS 'Building or Sent.';
COMMENT ON COLUMN alchemer.email_message."from" IS '{email, name}, as sent.';
COMMENT ON COLUMN alchemer.email_message.subject IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.body IS '{text, html}, as sent.';
COMMENT ON COLUMN alchemer.email_message.footer IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.embed_question IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.disable_styles IS 'As sent.';
COMMENT ON COLUMN alchemer.email_message.date_created IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.email_message.date_modified IS 'As the vendor dates it; texts without a zone are in the account''s.';
COMMENT ON COLUMN alchemer.email_message.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.email_message.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.email_message.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.email_message.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.email_message.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.email_message.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.email_message.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.email_message.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.quota (
    source         text COLLATE "C" NOT NULL,
    survey_id      bigint NOT NULL,
    quota_id       bigint NOT NULL,
    name           text,
    description    text,
    "limit"        bigint,
    responses      bigint,
    distributed    boolean,
    groups         jsonb,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, survey_id, quota_id)
);
COMMENT ON TABLE alchemer.quota IS 'Segmented quotas of a survey.';
COMMENT ON COLUMN alchemer.quota.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.quota.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.quota.quota_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.quota.name IS 'As sent.';
COMMENT ON COLUMN alchemer.quota.description IS 'As sent.';
COMMENT ON COLUMN alchemer.quota."limit" IS 'Responses after which it closes.';
COMMENT ON COLUMN alchemer.quota.responses IS 'Responses that it counts.';
COMMENT ON COLUMN alchemer.quota.distributed IS 'Whether its limit is a share in percent.';
COMMENT ON COLUMN alchemer.quota.groups IS 'Rules of whom it counts, as sent.';
COMMENT ON COLUMN alchemer.quota.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.quota.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.quota.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.quota.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.quota.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.quota.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.quota.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.quota.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.report (
    source         text COLLATE "C" NOT NULL,
    survey_id      bigint NOT NULL,
    report_id      bigint NOT NULL,
    name           text,
    type           text,
    status         text,
    last_run       timestamptz,
    responses      bigint,
    version        bigint,
    publish_link   text,
    payload        json NOT NULL,
    payload_raw    bytea,
    payload_hash   bytea NOT NULL,
    flags          text[],
    first_seen_at  timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    deleted_at     timestamptz,
    run_id         bigint NOT NULL,
    PRIMARY KEY (source, survey_id, report_id)
);
COMMENT ON TABLE alchemer.report IS 'Reports of a survey: their description, not what they say.';
COMMENT ON COLUMN alchemer.report.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.report.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.report.report_id IS 'The vendor''s id.';
COMMENT ON COLUMN alchemer.report.name IS 'As sent.';
COMMENT ON COLUMN alchemer.report.type IS 'summary, profile or turf.';
COMMENT ON COLUMN alchemer.report.status IS 'As sent.';
COMMENT ON COLUMN alchemer.report.last_run IS 'Null when never.';
COMMENT ON COLUMN alchemer.report.responses IS 'As sent.';
COMMENT ON COLUMN alchemer.report.version IS 'As sent.';
COMMENT ON COLUMN alchemer.report.publish_link IS 'As sent.';
COMMENT ON COLUMN alchemer.report.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.report.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.report.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.report.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.report.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.report.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.report.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.report.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.statistic (
    source           text COLLATE "C" NOT NULL,
    survey_id        bigint NOT NULL,
    statistic_id     bigint NOT NULL,
    type             text,
    breakdown        jsonb,
    total_responses  bigint,
    sum              numeric,
    average          numeric,
    std_dev          numeric,
    min              numeric,
    max              numeric,
    payload          json NOT NULL,
    payload_raw      bytea,
    payload_hash     bytea NOT NULL,
    flags            text[],
    first_seen_at    timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    deleted_at       timestamptz,
    run_id           bigint NOT NULL,
    PRIMARY KEY (source, survey_id, statistic_id)
);
COMMENT ON TABLE alchemer.statistic IS 'The vendor''s own counts of answers, one row a question.';
COMMENT ON COLUMN alchemer.statistic.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.statistic.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.statistic.statistic_id IS 'The question (alchemer.question).';
COMMENT ON COLUMN alchemer.statistic.type IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.breakdown IS '[{label, percentage, count}], as sent: numbers are texts there.';
COMMENT ON COLUMN alchemer.statistic.total_responses IS 'Responses that answered.';
COMMENT ON COLUMN alchemer.statistic.sum IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.average IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.std_dev IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.min IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.max IS 'As sent.';
COMMENT ON COLUMN alchemer.statistic.payload IS 'The vendor''s object, byte for byte, but for privacy, erasure and what PostgreSQL cannot hold.';
COMMENT ON COLUMN alchemer.statistic.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.statistic.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.statistic.flags IS 'What was repaired: nul, utf8, date, …';
COMMENT ON COLUMN alchemer.statistic.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.statistic.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.statistic.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.statistic.run_id IS 'The run that wrote the row last (surveysync.run).';

CREATE TABLE alchemer.response_file (
    source            text COLLATE "C" NOT NULL,
    survey_id         bigint NOT NULL,
    response_id       bigint NOT NULL,
    response_file_id  text COLLATE "C" NOT NULL,
    filename          text,
    original_name     text,
    url               text,
    content_type      text,
    size              bigint,
    sha256            text,
    stored_path       text,
    downloaded_at     timestamptz,
    payload           json NOT NULL,
    payload_raw       bytea,
    payload_hash      bytea NOT NULL,
    flags             text[],
    first_seen_at     timestamptz NOT NULL,
    changed_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    run_id            bigint NOT NULL,
    PRIMARY KEY (source, survey_id, response_id, response_file_id)
);
COMMENT ON TABLE alchemer.response_file IS 'Files that respondents uploaded, one row an answer of type FILE.';
COMMENT ON COLUMN alchemer.response_file.source IS 'The configured name of the account.';
COMMENT ON COLUMN alchemer.response_file.survey_id IS 'The survey (alchemer.survey).';
COMMENT ON COLUMN alchemer.response_file.response_id IS 'The response (alchemer.response).';
COMMENT ON COLUMN alchemer.response_file.response_file_id IS 'The answer that names the file (alchemer.answer.answer).';
COMMENT ON COLUMN alchemer.response_file.filename IS 'The vendor''s name of the file.';
COMMENT ON COLUMN alchemer.response_file.original_name IS 'What the respondent called it.';
COMMENT ON COLUMN alchemer.response_file.url IS 'Where the vendor keeps it, without the signature that opens it for some minutes.';
COMMENT ON COLUMN alchemer.response_file.content_type IS 'As the store of the file says; like all below null unless the file was fetched.';
COMMENT ON COLUMN alchemer.response_file.size IS 'Bytes.';
COMMENT ON COLUMN alchemer.response_file.sha256 IS 'Of the bytes, in hex.';
COMMENT ON COLUMN alchemer.response_file.stored_path IS 'Where it was put.';
COMMENT ON COLUMN alchemer.response_file.downloaded_at IS 'When it was fetched.';
COMMENT ON COLUMN alchemer.response_file.payload IS 'The vendor''s object; its address ends before the query, and what was fetched stands in the member surveysync.';
COMMENT ON COLUMN alchemer.response_file.payload_raw IS 'The original bytes, only where payload had to be altered.';
COMMENT ON COLUMN alchemer.response_file.payload_hash IS 'XXH3-128 of the vendor''s bytes.';
COMMENT ON COLUMN alchemer.response_file.flags IS 'What was repaired or went wrong: nul, utf8, file (it could not be fetched), …';
COMMENT ON COLUMN alchemer.response_file.first_seen_at IS 'When the row was stored first.';
COMMENT ON COLUMN alchemer.response_file.changed_at IS 'When the row was changed last.';
COMMENT ON COLUMN alchemer.response_file.deleted_at IS 'When the vendor was found to have it no more; null while it has it.';
COMMENT ON COLUMN alchemer.response_file.run_id IS 'The run that wrote the row last (surveysync.run).';
