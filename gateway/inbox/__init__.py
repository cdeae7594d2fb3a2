"""The inbox (推送接收): an HTTP service for kiosks, apps and counties that push. Started by ``gw serve``.

    request ─▶ claim ─▶ body ─▶ signature ─▶ rate ─▶ LAND (group commit) ─▶ NORMALISE ─▶ answer
               who, when  streamed, bounded            raw page, nonce and       as any page    fate of each record
                                                       idempotency key together

A 2xx is said only after the request's raw bytes are committed. Normalising follows at once and is waited for; where it
takes longer, the answer says 202 and the receipt may be asked for later. The stages do the work.
"""
