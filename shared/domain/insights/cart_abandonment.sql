-- question: How many carts are left behind, and what was in them?
-- grain: one row for each day on which a session put something in its cart for the first time
-- reads: events
-- range: rows
-- order: day
-- column: day date: Day of the session's first piece in the cart, on the shop's clock
-- column: sessions integer sessions: Sessions with a piece put in the cart
-- column: abandoned integer sessions: Of them, those without a purchase
-- column: emptied integer sessions: Of the abandoned, those that took everything out again
-- column: rate number ratio: Abandoned divided by sessions, 0 to 1
-- column: value_left decimal currency: Pieces left in abandoned carts, each at the highest price at which the session put its product in
-- cannot: Events without a session are left out, and so are purchases of sessions without a cart.
-- cannot: A cart that is bought in a later session counts as abandoned. Of a session that the period cuts, only the part within counts.
-- cannot: Pieces left are those put in less those taken out, product by product: what was in the cart from an earlier session is not known, and order does not count.
-- cannot: A session with any purchase is not abandoned, whatever else its cart holds.
with products as (
  select
    user_session,
    product_id,
    min(case when event_type = 'cart' then day end) as day,
    sum(case event_type when 'cart' then 1 when 'remove_from_cart' then -1 else 0 end) as pieces,
    max(case when event_type = 'cart' then price end) as price,
    max(case when event_type = 'purchase' then 1 else 0 end) as purchases
  from events
  where user_session is not null and event_type <> 'view'
  group by user_session, product_id
),
carts as (
  select
    min(day) as day,
    max(purchases) as purchases,
    sum(case when price is not null and pieces > 0 then cast(pieces as bigint) * price else 0 end) as value_left,
    max(case when price is not null and pieces > 0 then 1 else 0 end) as filled
  from products
  group by user_session
)
select
  day,
  count(*) as sessions,
  cast(sum(1 - purchases) as bigint) as abandoned,
  cast(sum(case when purchases = 0 and filled = 0 then 1 else 0 end) as bigint) as emptied,
  round(cast(sum(1 - purchases) as double) / count(*), 4) as rate,
  cast(sum(case when purchases = 0 then value_left else 0 end) as decimal(38, 4)) as value_left
from carts
where day is not null
group by day
