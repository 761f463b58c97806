/** The kind of the alert that an act waits for a second person. */
export const APPROVAL_ALERT = 'approval_waits';

/** Names the act and the digest of what a yes is for, so that a button decides about what its message shows. */
export const approvalSubject = ({ digest, id }: { id: string; digest: string }): string => `${id} ${digest}`;

/** The act and the digest that such an alert is about. */
export function approvalOfSubject(subject: string): { id: string; digest: string } {
  const [id = '', digest = ''] = subject.split(' ');
  return { id, digest };
}
