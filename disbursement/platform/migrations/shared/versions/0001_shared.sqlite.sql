CREATE TABLE app_user (
  id INTEGER NOT NULL,
  username TEXT NOT NULL,
  person_id INTEGER NOT NULL,
  full_name TEXT NOT NULL,
  public_key BLOB NOT NULL,
  active INTEGER NOT NULL,
  demo INTEGER NOT NULL,
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
  next INTEGER NOT NULL,
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
  id INTEGER NOT NULL,
  at TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (id)
)
--;;
CREATE TABLE staff_person (
  id INTEGER NOT NULL,
  identity_blind BLOB NOT NULL,
  identity_enc BLOB NOT NULL,
  full_name TEXT NOT NULL,
  PRIMARY KEY (id),
  UNIQUE (identity_blind)
)
--;;
CREATE TABLE user_role (
  user_id INTEGER NOT NULL,
  role TEXT NOT NULL,
  scope TEXT NOT NULL,
  PRIMARY KEY (user_id, role, scope)
)
