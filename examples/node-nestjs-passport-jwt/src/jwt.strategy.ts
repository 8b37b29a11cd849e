import { Injectable, UnauthorizedException } from '@nestjs/common'
import { PassportStrategy } from '@nestjs/passport'
import { passportJwtSecret } from 'jwks-rsa'
import { ExtractJwt, Strategy } from 'passport-jwt'

const { ISSUER = '', AUDIENCE = '' } = process.env
if (!ISSUER || !AUDIENCE) throw new Error('Set ISSUER and AUDIENCE.')

export interface AccessToken {
  readonly sub: string
  readonly exp?: number
  readonly scope?: string
}

interface Complete {
  readonly header: { readonly typ?: string }
  readonly payload: AccessToken
}

@Injectable()
export class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({
      jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
      secretOrKeyProvider: passportJwtSecret({
        jwksUri: `${ISSUER}/.well-known/jwks.json`,
        cacheMaxAge: 300_000,
        timeout: 5_000,
      }),
      algorithms: ['RS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      jsonWebTokenOptions: { clockTolerance: 30, complete: true },
    })
  }

  /** Called when the signature, issuer and audience are good; passport-jwt looks at neither `typ` nor a missing `exp`. */
  validate({ header, payload }: Complete): AccessToken {
    if (header.typ?.toLowerCase() !== 'at+jwt' || typeof payload.exp !== 'number') {
      throw new UnauthorizedException()
    }
    return payload
  }
}
