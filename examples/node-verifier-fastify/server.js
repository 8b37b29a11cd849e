import { authenticate } from '@mintage/verifier/fastify'
import { fastify } from 'fastify'

const { ISSUER: issuer, AUDIENCE: audience, PORT = '3000' } = process.env

const app = fastify()
const onRequest = authenticate({ issuer, audience }, { scope: 'orders:read' })
app.get('/orders', { onRequest }, async (request) => ({ sub: request.token.sub, orders: [] }))

await app.listen({ port: Number(PORT), host: '127.0.0.1' })
