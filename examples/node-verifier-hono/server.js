import { serve } from '@hono/node-server'
import { authenticate } from '@mintage/verifier/fetch'
import { Hono } from 'hono'

const { ISSUER: issuer, AUDIENCE: audience, PORT = '3000' } = process.env

const app = new Hono()
app.use('/orders/*', authenticate({ issuer, audience }, { scope: 'orders:read' }))
app.get('/orders', (context) => context.json({ sub: context.get('token').sub, orders: [] }))

serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' })
