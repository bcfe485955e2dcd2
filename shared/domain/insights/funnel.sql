-- question: How many visits come from looking to the cart, and from there to a purchase?
-- grain: one row for each of the three steps, in their order; none without a session
-- reads: events
-- range: rows
-- order: step
-- column: step integer: 1, 2 or 3
-- column: event text: What is done at the step: view, cart or purchase
-- column: sessions integer sessions: Sessions that came this far: a view, then a cart, then a purchase, of any products
-- column: share_of_first number ratio: Part of the sessions with a view, 0 to 1
-- column: share_of_previous number ratio: Part of the sessions of the step before, 0 to 1; of the first step 1
-- column: sessions_anyhow integer sessions: Sessions with such an event, whatever came before it
-- cannot: Events without a session are left out.
-- cannot: Order counts, to the second: what happened in one second counts as in order. A purchase without a view and a cart before it is in sessions_anyhow alone.
-- cannot: Who looks today and buys in another session tomorrow did not buy here. Of a session that the period cuts, only the part within counts.
with moments as (
  -- of views the first is enough, of purchases the last; most events are views
  select user_session, event_type, min(happened_at) as first_at, max(happened_at) as last_at
  from events
  where user_session is not null and event_type <> 'remove_from_cart'
  group by user_session, event_type, case when event_type = 'cart' then happened_at end
),
viewed as (
  select
    user_session,
    event_type,
    first_at,
    last_at,
    min(case when event_type = 'view' then first_at end) over (partition by user_session) as view_at
  from moments
),
carted as (
  select
    user_session,
    max(case when event_type = 'view' then 1 else 0 end) as views,
    max(case when event_type = 'cart' then 1 else 0 end) as carts,
    max(case when event_type = 'purchase' then 1 else 0 end) as purchases,
    min(case when event_type = 'cart' and first_at >= view_at then first_at end) as cart_at,
    max(case when event_type = 'purchase' then last_at end) as purchase_at
  from viewed
  group by user_session
),
counted as (
  select
    count(*) as sessions,
    sum(views) as viewed,
    count(cart_at) as carted,
    sum(case when purchase_at >= cart_at then 1 else 0 end) as purchased,
    sum(carts) as with_cart,
    sum(purchases) as with_purchase
  from carted
),
reached as (
  select
    step,
    event,
    cast(viewed as bigint) as first_step,
    cast(case step when 3 then carted else viewed end as bigint) as previous,
    cast(case step when 1 then viewed when 2 then carted else purchased end as bigint) as sessions,
    cast(case step when 1 then viewed when 2 then with_cart else with_purchase end as bigint) as sessions_anyhow
  from counted
  cross join (values (1, 'view'), (2, 'cart'), (3, 'purchase')) as steps (step, event)
  where counted.sessions > 0
)
select
  step,
  event,
  sessions,
  round(cast(sessions as double) / nullif(first_step, 0), 4) as share_of_first,
  round(cast(sessions as double) / nullif(previous, 0), 4) as share_of_previous,
  sessions_anyhow
from reached
