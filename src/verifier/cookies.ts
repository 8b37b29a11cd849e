export { cookieValues } from './cookie-header.ts'
export { mayUseCookies, type SendingPage } from './sending-page.ts'
