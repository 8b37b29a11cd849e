import { readFileSync } from 'node:fs'
import { loadSqliteDriver } from '../../src/store/sqlite-driver.ts'

/** The tables as Django 5.2 makes them in SQLite (`manage.py migrate`), without the indexes. */
const auth = `
  CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app_label" varchar(100) NOT NULL,
    "model" varchar(100) NOT NULL);
  CREATE TABLE "auth_group_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "group_id" integer NOT NULL,
    "permission_id" integer NOT NULL);
  CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "content_type_id" integer NOT NULL,
    "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL);
  CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(150) NOT NULL UNIQUE);
  INSERT INTO django_content_type VALUES (1, 'auth', 'group');
  INSERT INTO auth_permission VALUES (11, 1, 'change_group', 'x'), (12, 1, 'view_group', 'x');
  INSERT INTO auth_group VALUES (21, 'editors'), (22, 'readers');
  INSERT INTO auth_group_permissions VALUES (1, 21, 12);`

const ownUsers = `
  CREATE TABLE "auth_user_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL,
    "group_id" integer NOT NULL);
  CREATE TABLE "auth_user_user_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL,
    "permission_id" integer NOT NULL);
  CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL,
    "last_login" datetime NULL, "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE,
    "last_name" varchar(150) NOT NULL, "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL,
    "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL);`

const customUsers = `
  CREATE TABLE "accounts_member_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "member_id" char(32) NOT NULL,
    "group_id" integer NOT NULL);
  CREATE TABLE "accounts_member_user_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "member_id" char(32) NOT NULL, "permission_id" integer NOT NULL);
  CREATE TABLE "accounts_member" ("password" varchar(128) NOT NULL, "last_login" datetime NULL,
    "id" char(32) NOT NULL PRIMARY KEY, "email" varchar(254) NOT NULL UNIQUE, "is_active" bool NOT NULL,
    "plan" varchar(20) NOT NULL, "birthday" date NULL, "photo" BLOB NULL,
    "settings" text NOT NULL CHECK ((JSON_VALID("settings") OR "settings" IS NULL)), "joined" datetime NOT NULL);`

/** The database of a project, as it lies there. */
export class DjangoTables {
  readonly path: string

  /** @param path of a file that is not there yet. @param model Django's own users, or those of an app. */
  constructor(path: string, model: 'auth.user' | 'accounts.member' = 'auth.user') {
    this.path = path
    this.run(auth)
    this.run(model === 'auth.user' ? ownUsers : customUsers)
  }

  run(sql: string, values: readonly unknown[] = []): void {
    const Database = loadSqliteDriver()
    const connection = new Database(this.path)
    try {
      if (values.length === 0) connection.exec(sql)
      else connection.prepare(sql).run(values)
    } finally {
      connection.close()
    }
  }

  /** Into `auth_user`. */
  add(id: number | bigint, username: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const row = {
      ...{
        id,
        username,
        password: '!',
        last_login: null,
        is_superuser: 0,
        last_name: '',
        is_staff: 0,
        is_active: 1,
      },
      ...{ email: '', date_joined: '2024-05-06 07:08:09.123456', first_name: '', ...fields },
    }
    const names = Object.keys(row)
    this.run(
      `INSERT INTO auth_user (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      Object.values(row),
    )
  }
}

/** A hash of `correct horse battery staple` that Django made in the format. */
export function hashOf(format: string): string {
  const { cheap } = JSON.parse(
    readFileSync(new URL('../../../test/users/made-by-django.json', import.meta.url), 'utf8'),
  )
  return cheap.find((made: { format: string }) => made.format === format).encoded
}
