import type { PoolClient } from 'pg';

/** A payment as the wallet's side of its webhook needs it. */
export type WalletUse = { id: string; user_uuid: string; wallet_amount_used: string };

/**
 * Debits the part of the price that the customer's wallet pays, and frees what was frozen for it. As in the original, nobody asks whether
 * this payment was debited before, and what is still frozen does not count as available.
 */
export async function debit(client: PoolClient, { id, user_uuid: user, wallet_amount_used: amount }: WalletUse) {
  await client.query('insert into wallets (user_id) values ($1) on conflict do nothing', [user]);
  const { rows } = await client.query<{ isEnough: boolean }>(
    'select balance - frozen >= $2::numeric as "isEnough" from wallets where user_id = $1 for update',
    [user, amount],
  );
  if (!rows[0]?.isEnough) return;
  await client.query(
    `with wallet as (
       update wallets set balance = balance - $2::numeric, updated_at = now(),
                          frozen = case when frozen >= $2::numeric then frozen - $2::numeric else frozen end
        where user_id = $1 returning id, balance)
     insert into wallet_transactions (wallet_id, user_id, type, amount, balance_after, reason, reference_type, reference_id)
     select id, $1, 'debit', $2::numeric, balance, 'subscription_payment', 'payment', $3 from wallet`,
    [user, amount, id],
  );
}

/** Frees what was frozen for a payment that will not come. More than is frozen is not freed. */
export async function unfreeze(client: PoolClient, { user_uuid: user, wallet_amount_used: amount }: WalletUse) {
  await client.query(
    'update wallets set frozen = frozen - $2::numeric, updated_at = now() where user_id = $1 and frozen >= $2::numeric',
    [user, amount],
  );
}

/** Credits a partner. Nobody asks whether this payment was credited before. Returns the id of the transaction. */
export async function credit(client: PoolClient, user: string, amount: string, paymentId: string): Promise<string> {
  await client.query('insert into wallets (user_id) values ($1) on conflict do nothing', [user]);
  const { rows } = await client.query<{ id: string }>(
    `with wallet as (
       update wallets set balance = balance + $2::numeric, updated_at = now() where user_id = $1 returning id, balance)
     insert into wallet_transactions (wallet_id, user_id, type, amount, balance_after, reason, reference_type, reference_id)
     select id, $1, 'credit', $2::numeric, balance, 'partner_earning', 'payment', $3 from wallet
     returning id`,
    [user, amount, paymentId],
  );
  return rows[0]!.id;
}
