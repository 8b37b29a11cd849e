/** The shop: an application that never sees a token, and refreshes when it is told 401. */
export const shopPage = `<!doctype html><title>Shop</title><script>
const client_id = 'web'
const issuer = location.host.startsWith('app.') ? 'https://' + location.host.slice(4) : ''
const send = (path, form) => fetch(issuer + path, {
  method: 'POST', credentials: 'include', body: new URLSearchParams(form),
}).then(async (answer) => ({ status: answer.status, text: await answer.text() }))
const json = (path, body) => fetch(issuer + path, {
  method: 'POST', credentials: 'include', body: JSON.stringify(body),
  headers: { 'Content-Type': 'application/json' },
}).then(async (answer) => ({ status: answer.status, text: await answer.text() }))

const formats = {
  oauth: {
    logIn: (username, password) => send('/oauth2/token', { client_id, grant_type: 'password', username, password }),
    refresh: () => send('/oauth2/token', { client_id, grant_type: 'refresh_token' }),
    logOut: () => send('/oauth2/revoke', { client_id }),
  },
  simplejwt: {
    logIn: (username, password) => json('/api/token/', { username, password }),
    refresh: () => json('/api/token/refresh/', {}),
    logOut: () => json('/api/token/blacklist/', {}),
  },
}

async function orders(format, method = 'GET') {
  const ask = () => fetch('/orders', { method }).then((answer) => answer.status)
  const status = await ask()
  if (status !== 401) return { status, refreshed: false }
  const { status: refresh } = await formats[format].refresh()
  return { status: refresh === 200 ? await ask() : 401, refreshed: refresh === 200 }
}

async function readable() {
  const jar = typeof cookieStore === 'object' ? (await cookieStore.getAll()).length : 0
  return { cookie: document.cookie, jar, stored: localStorage.length + sessionStorage.length }
}
</script>`

export const attackerPage = `<!doctype html><title>Free prizes</title><body><script>
function fill(form, action, fields) {
  form.method = 'POST'
  form.action = action
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input')
    Object.assign(input, { type: 'hidden', name, value })
    form.append(input)
  }
  return form
}
const attacks = {
  form(action, fields) {
    const form = fill(document.createElement('form'), action, fields)
    document.body.append(form)
    form.submit()
  },
  sandbox(action, fields) {
    const form = fill(document.createElement('form'), action, fields)
    form.target = '_top'
    const frame = document.createElement('iframe')
    frame.sandbox = 'allow-scripts allow-forms allow-top-navigation'
    frame.srcdoc = form.outerHTML + '<script>document.forms[0].submit()<\\/script>'
    document.body.append(frame)
  },
  async script(mode, action, fields) {
    const options = { method: 'POST', mode, credentials: 'include', body: new URLSearchParams(fields) }
    try {
      const answer = await fetch(action, options)
      return answer.type === 'opaque' ? '' : await answer.text()
    } catch {
      return ''
    }
  },
}
</script>`
