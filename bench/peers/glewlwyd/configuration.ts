/** What Debian's package writes to `/etc/glewlwyd/glewlwyd.conf`, less its web pages; the log goes where the benchmark's do. */
export function renderConfiguration(root: string, port: number, database: string): string {
  const modules = `${root}/usr/lib/glewlwyd`
  return `port = ${port}
bind_address = "127.0.0.1"
external_url = "http://127.0.0.1:${port}"
login_url = "login.html"
api_prefix = "api"
log_mode = "console"
log_level = "INFO"
cookie_domain = "127.0.0.1"
cookie_secure = 1
user_module_path = "${modules}/user"
client_module_path = "${modules}/client"
user_auth_scheme_module_path = "${modules}/scheme"
plugin_module_path = "${modules}/plugin"
hash_algorithm = "SHA512"
database = { type = "sqlite3"; path = "${database}"; };
`
}
