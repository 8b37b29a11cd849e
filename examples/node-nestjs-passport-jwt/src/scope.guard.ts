import { type CanActivate, type ExecutionContext, mixin, type Type } from '@nestjs/common'
import type { AccessToken } from './jwt.strategy.js'

/** Lets through whose token has the scope; what returns false is answered with 403. */
export function ScopeGuard(scope: string): Type<CanActivate> {
  return mixin(
    class implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        const { user }: { user: AccessToken } = context.switchToHttp().getRequest()
        return user.scope?.split(' ').includes(scope) ?? false
      }
    },
  )
}
