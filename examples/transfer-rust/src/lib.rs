//! Money moves between accounts: the workload of the benchmark (bench/README.md). The sum of all balances never changes.

use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(accessor = accounts, public)]
pub struct Account {
    #[primary_key]
    pub id: u32,
    pub balance: i64,
}

/// Starts over with `n` accounts that hold `initial_balance` each.
#[reducer]
pub fn seed(ctx: &ReducerContext, n: u32, initial_balance: i64) -> Result<(), String> {
    for account in ctx.db.accounts().iter() {
        ctx.db.accounts().id().delete(account.id);
    }
    for id in 0..n {
        ctx.db.accounts().try_insert(Account { id, balance: initial_balance })?;
    }
    Ok(())
}

#[reducer]
pub fn transfer(ctx: &ReducerContext, from: u32, to: u32, amount: i64) -> Result<(), String> {
    if from == to {
        return Err("same_account".into());
    }
    if amount <= 0 {
        return Err("non_positive_amount".into());
    }
    let accounts = ctx.db.accounts().id();
    let payer = accounts.find(from).ok_or("account_missing")?;
    let payee = accounts.find(to).ok_or("account_missing")?;
    if payer.balance < amount {
        return Err("insufficient_funds".into());
    }
    accounts.update(Account { balance: payer.balance - amount, ..payer });
    accounts.update(Account { balance: payee.balance + amount, ..payee });
    Ok(())
}
