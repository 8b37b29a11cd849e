/** How much of the revocations is known; `off` where none are asked for. */
export type VerifierState = 'fresh' | 'stale' | 'blind' | 'off'

/** What a verifier tells whoever counts: plain values, never a token or a secret. */
export type VerifierEvent =
  | { readonly type: 'token.accepted'; readonly cached: boolean }
  | { readonly type: 'token.refused'; readonly status: number; readonly reason: string }
  | { readonly type: 'state.changed'; readonly from: VerifierState; readonly to: VerifierState }
  | { readonly type: 'keys.loaded'; readonly keys: number }
  | { readonly type: 'keys.failed'; readonly problem: string }
  | { readonly type: 'keys.withdrawn'; readonly kids: readonly string[] }
  | { readonly type: 'stream.opened'; readonly resumed: boolean }
  | { readonly type: 'stream.lost'; readonly problem: string }
  | { readonly type: 'stream.doubted'; readonly problem: string }
  | { readonly type: 'status.polled'; readonly version: number }
  | { readonly type: 'status.poll-failed'; readonly problem: string }
  | { readonly type: 'status.rolled-back'; readonly from: number; readonly to: number }
  | { readonly type: 'status.epoch'; readonly epoch: string }
  | { readonly type: 'list.loaded'; readonly uri: string; readonly size: number }
  | { readonly type: 'list.failed'; readonly uri: string; readonly problem: string }
  | { readonly type: 'list.retired'; readonly uri: string }

export type Tell = (event: VerifierEvent) => void

/** A hook that throws must not decide about a token. */
export function guard(hook: Tell): Tell {
  return (event) => {
    try {
      hook(event)
    } catch {
      // Its owner's concern; there is nowhere to tell it.
    }
  }
}
