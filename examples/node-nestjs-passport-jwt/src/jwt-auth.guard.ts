import {
  type ExecutionContext,
  Injectable,
  ServiceUnavailableException,
  UnauthorizedException,
} from '@nestjs/common'
import { AuthGuard } from '@nestjs/passport'
import { SigningKeyNotFoundError } from 'jwks-rsa'

const tokenErrors = ['JsonWebTokenError', 'TokenExpiredError', 'NotBeforeError', 'UnauthorizedException']

/** passport-jwt says 401 to everything; what was not the token's fault becomes a 503. */
@Injectable()
export class JwtAuthGuard extends AuthGuard('jwt') {
  override handleRequest<User>(
    error: unknown,
    user: User | false,
    info: unknown,
    context: ExecutionContext,
  ): User {
    if (user) return user
    const cause = error ?? info
    const isMissing = cause instanceof Error && cause.message === 'No auth token'
    const isTokenError =
      cause instanceof SigningKeyNotFoundError || (cause instanceof Error && tokenErrors.includes(cause.name))
    if (!isMissing && !isTokenError) {
      console.error(cause)
      throw new ServiceUnavailableException()
    }
    const challenge = isMissing ? 'Bearer' : 'Bearer error="invalid_token"'
    context.switchToHttp().getResponse().set('WWW-Authenticate', challenge)
    throw new UnauthorizedException()
  }
}
