import Router from '@koa/router'
import { authenticate } from '@mintage/verifier/koa'
import Koa from 'koa'

const { ISSUER: issuer, AUDIENCE: audience, PORT = '3000' } = process.env

const router = new Router()
router.get('/orders', authenticate({ issuer, audience }, { scope: 'orders:read' }), (context) => {
  context.body = { sub: context.state.token.sub, orders: [] }
})

new Koa().use(router.routes()).listen(Number(PORT), '127.0.0.1')
