import { cookieValues } from '@mintage/verifier/cookies'
import test from 'ava'

test('row 35: only spaces and tabs around a name are no part of it', (t) => {
  const name = '__Host-web-access'
  for (const other of ['\u00a0', '\ufeff', '\v', '\f', '\u2003']) {
    t.deepEqual(cookieValues([`${other}${name}=evil; ${name}${other}=evil`], name), [])
  }
  t.deepEqual(cookieValues([`a=b;\t ${name} \t= good \t`], name), ['good'])
})
