import { authenticate } from '@mintage/verifier/express'
import express from 'express'

const { ISSUER: issuer, AUDIENCE: audience, PORT = '3000' } = process.env

const app = express()
app.get('/orders', authenticate({ issuer, audience }, { scope: 'orders:read' }), (request, response) => {
  response.json({ sub: request.auth.sub, orders: [] })
})
app.listen(Number(PORT), '127.0.0.1')
