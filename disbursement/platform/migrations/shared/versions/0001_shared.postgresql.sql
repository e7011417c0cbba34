CREATE TABLE app_user (
  id BIGINT NOT NULL,
  username TEXT NOT NULL,
  person_id BIGINT NOT NULL,
  full_name TEXT NOT NULL,
  public_key BYTEA NOT NULL,
  active SMALLINT NOT NULL,
  demo SMALLINT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (username)
)
--;;
CREATE TABLE cell_registry (
  code TEXT NOT NULL,
  name_vi TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (code)
)
--;;
CREATE TABLE id_block (
  name TEXT NOT NULL,
  next BIGINT NOT NULL,
  PRIMARY KEY (name)
)
--;;
CREATE TABLE revoked_token (
  jti TEXT NOT NULL,
  revoked_at TEXT NOT NULL,
  revoked_by TEXT NOT NULL,
  PRIMARY KEY (jti)
)
--;;
CREATE TABLE staff_event (
  id BIGINT NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE TABLE staff_person (
  id BIGINT NOT NULL,
  identity_blind BYTEA NOT NULL,
  identity_enc BYTEA NOT NULL,
  full_name TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (identity_blind)
)
--;;
CREATE TABLE user_role (
  user_id BIGINT NOT NULL,
  role TEXT NOT NULL,
  scope TEXT NOT NULL,
  PRIMARY KEY (user_id, role, scope)
)
--;;
GRANT USAGE ON SCHEMA {schema} TO disburse_app
--;;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO disburse_app
