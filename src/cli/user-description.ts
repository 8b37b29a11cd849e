import type { UserAdmin } from '../admin/user-admin.ts'
import { formatTime } from './output.ts'

export type User = Awaited<ReturnType<UserAdmin['get']>>

/** What every command says of a user, under the names that an import reads. */
export function describeUser(user: User) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    claims: user.claims,
    disabled: user.disabledAt !== null,
    created_at: formatTime(user.createdAt),
  }
}
