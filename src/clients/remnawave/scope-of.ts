/** The scope of a panel 3.x that covers a route: `users:read`. (A token may also have `users:*`, `*`, or each route by its own name.) */
export function scopeOf(method: string, path: string): string {
  return `${path.split('/')[2]}:${method === 'GET' ? 'read' : 'write'}`;
}
