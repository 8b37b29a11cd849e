import test from 'ava'
import { InvalidPasswordError } from '../../src/users/password-hash.ts'
import { checkNewPassword } from '../../src/users/password-rules.ts'

const owner = { username: 'ada.lovelace', email: 'countess@analytical.example' }
const check = (password: string, minLength = 15) => checkNewPassword(password, minLength, owner)

for (const password of [
  'passwordpassword',
  'P@ssw0rdP@ssw0rd',
  'PASSWORDPASSWORD',
  'drowssapdrowssap',
  'password1234567',
  'iloveyou123456789',
  'qwertyuiopasdfghjkl',
  '1qaz2wsx3edc4rfv',
  '1234567890987654321',
  'aaaaaaaaaaaaaaaaaaaa',
  'abcabcabcabcabcabc',
  'abcdefghijklmnopqrstuvwxyz',
  'trustno1 trustno1 trustno1',
  'Password2024!!!!',
]) {
  test(`security 14: ${password} is refused as a common one`, async (t) => {
    await t.throwsAsync(check(password), { instanceOf: InvalidPasswordError, message: /is a common one/ })
  })
}

for (const password of [
  'ada.lovelace1815',
  'AdaLovelaceAdaLovelace',
  'mintagemintage!',
  'countess-mintage-1999',
  'analytical.example1',
  'ecalevol.ada.2020',
]) {
  test(`security 14: ${password} is refused as the name of its owner`, async (t) => {
    await t.throwsAsync(check(password), { instanceOf: InvalidPasswordError, message: /made of the name/ })
  })
}

for (const password of [
  'correct horse battery staple',
  'correct battery staple',
  'three blind mice eat cheese',
  'ada likes to walk by the sea',
  'mintage is what i administer',
  'кошка собака домик',
  '鯨は夜に静かに歌い星を数える海',
  '\u{1F600}\u{1F40B}'.repeat(8) + 'whale',
  '                    one space too many',
  'x'.repeat(65) + 'y',
]) {
  test(`security 14: no rule of composition stands against ${JSON.stringify(password)}`, async (t) => {
    await t.notThrowsAsync(check(password))
  })
}

test('security 14: length counts characters, and the error says how many there are and are wanted', async (t) => {
  await t.throwsAsync(check('fourteen chars'), { message: /at least 15 characters, and this one has 14:/ })
  await t.throwsAsync(check('\u{1F40B}'.repeat(14)), { message: /this one has 14:/ })
  await t.notThrowsAsync(check('vorpal sloth 7', 14))
  await t.throwsAsync(check('letmein', 7), { message: /common/ })
})
