import { Controller, Get, Request, UseGuards } from '@nestjs/common'
import type { AccessToken } from './jwt.strategy.js'
import { JwtAuthGuard } from './jwt-auth.guard.js'
import { ScopeGuard } from './scope.guard.js'

@Controller('orders')
@UseGuards(JwtAuthGuard, ScopeGuard('orders:read'))
export class OrdersController {
  @Get()
  list(@Request() { user }: { user: AccessToken }) {
    return { sub: user.sub, orders: [] }
  }
}
