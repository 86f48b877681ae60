/** A route of the bench's server that reads one row by its key, or does nothing. */
export interface ReadRoute {
  readonly does: 'read' | 'nothing'
  readonly access: 'member' | 'anonymous'
}

/** Its address, with the id of a wallet in place of `:id`. */
export function readPath({ does, access }: ReadRoute): string {
  return `/v1/bench/${does}/${access}/:id`
}
