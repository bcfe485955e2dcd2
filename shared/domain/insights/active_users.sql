-- question: How many people visit, and how often do they come back?
-- grain: one row for each day of the period with an event
-- reads: events
-- range: until
-- order: day
-- column: day date: Day, on the shop's clock
-- column: daily integer visitors: Visitors (user_id) with any event on the day
-- column: weekly integer visitors: Visitors with an event on the day or the 6 before it
-- column: monthly integer visitors: Visitors with an event on the day or the 29 before it
-- column: stickiness number ratio: Daily divided by monthly: 1 is everybody on every day
-- cannot: Weekly and monthly look back over days before the period too, as far as the data goes: the first 29 days of the data show too few.
-- cannot: A day without an event has no row, though visitors of the days before it are still in its weekly and monthly figure.
-- cannot: Somebody with two devices may be two visitors.
with visits as (
  select distinct user_id, day from events
),
spans as (
  select day, lead(day, 1, date '9999-12-31') over (partition by user_id order by day) as next_day
  from visits
),
-- A visit counts from its day until the window has passed it or the next visit takes over, so nobody counts twice
points as (
  select
    case
      when days = 0 then day
      when days = 7 then least(cast(day + interval '7' day as date), next_day)
      else least(cast(day + interval '30' day as date), next_day)
    end as day,
    case when days = 0 then 1 else 0 end as daily,
    case when days = 0 then 1 when days = 7 then -1 else 0 end as weekly,
    case when days = 0 then 1 when days = 30 then -1 else 0 end as monthly
  from spans
  cross join (values (0), (7), (30)) as ends (days)
),
changes as (
  select day, sum(daily) as daily, sum(weekly) as weekly, sum(monthly) as monthly
  from points
  group by day
),
sums as (
  select
    day,
    cast(daily as bigint) as daily,
    cast(sum(weekly) over (order by day) as bigint) as weekly,
    cast(sum(monthly) over (order by day) as bigint) as monthly
  from changes
)
select day, daily, weekly, monthly, round(cast(daily as double) / monthly, 4) as stickiness
from sums
cross join period
where daily > 0 and day >= first_day
