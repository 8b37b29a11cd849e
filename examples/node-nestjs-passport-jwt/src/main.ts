import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { PassportModule } from '@nestjs/passport'
import { JwtStrategy } from './jwt.strategy.js'
import { OrdersController } from './orders.controller.js'

@Module({ imports: [PassportModule], controllers: [OrdersController], providers: [JwtStrategy] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] })
app.enableShutdownHooks()
await app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
