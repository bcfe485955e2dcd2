-- relation: a known customer as of the period's last day: value, scores, segment, rhythm and churn risk
-- uses: orders, segments
with days as (
  -- a day of a customer, so that whoever ordered a million times is a few rows to what follows
  select customer_id, day, country, count(*) as orders, sum(revenue) as revenue
  from orders
  where customer_id is not null
  group by customer_id, day, country
),
dated as (
  select customer_id, day, country, orders, revenue, max(day) over (partition by customer_id) as last_order
  from days
),
totals as (
  select
    customer_id,
    min(case when day = last_order then country end) as country,
    min(day) as first_order,
    last_order,
    count(distinct day) as order_days,
    cast(sum(orders) as bigint) as frequency,
    cast(sum(revenue) as decimal(38, 4)) as monetary
  from dated
  group by customer_id, last_order
),
scored as (
  -- fifths by rank: equal values share a rank, and so a score; of recency the best of those they span, else the lowest
  select
    totals.*,
    date_diff('day', last_order, last_day) as recency_days,
    cast(date_diff('day', first_order, last_order) as double) / nullif(order_days - 1, 0) as rhythm,
    5 - cast(floor(cast(5 * (rank() over (order by last_order desc) - 1) as double) / count(*) over ()) as integer) as r,
    1 + cast(floor(cast(5 * (rank() over (order by frequency) - 1) as double) / count(*) over ()) as integer) as f,
    1 + cast(floor(cast(5 * (rank() over (order by monetary) - 1) as double) / count(*) over ()) as integer) as m
  from totals
  cross join period
),
timed as (
  -- a rhythm of less than a week counts as one: two orders on two days running promise no third
  select scored.*, case when rhythm < 7 then 7 else rhythm end as pause
  from scored
),
rated as (
  select timed.*, round(cast(recency_days as double) / pause, 2) as silence
  from timed
)
select
  customer_id,
  country,
  segment,
  recency_days,
  frequency,
  monetary,
  r,
  f,
  m,
  first_order,
  last_order,
  order_days,
  pause,
  round(rhythm, 1) as rhythm_days,
  silence,
  case
    when silence <= 1 then 'active'
    when silence <= 2 then 'late'
    when silence <= 4 then 'at_risk'
    when silence > 4 then 'lost'
  end as churn_risk
from rated
join segments on r between r_from and r_to and f between f_from and f_to
