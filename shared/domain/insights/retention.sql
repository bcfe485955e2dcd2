-- question: Of the customers who came new in a month, how many order again in the months after it?
-- grain: one row for each month of first orders within the period, and each month from it to the last with an order
-- reads: transactions
-- uses: orders
-- range: until
-- order: cohort, months
-- column: cohort date: First day of the month of the customers' first order; months in which the period begins or later
-- column: months integer months: Months after the cohort's, which is 0
-- column: active integer customers: Customers of the cohort with an order in that month
-- column: customers integer customers: Customers of the cohort
-- column: share number ratio: Active divided by customers, 0 to 1; in month 0 always 1
-- cannot: The first order is the first of the data: who was a customer before it is new in its first month.
-- cannot: The last month may not be over, and shows less then. Orders without a known customer are left out.
with months as (
  select distinct customer_id, cast(date_trunc('month', day) as date) as month
  from orders
  where customer_id is not null
),
cohorts as (
  select month, min(month) over (partition by customer_id) as cohort, max(month) over () as last_month
  from months
),
active as (
  select cohort, date_diff('month', cohort, month) as months, date_diff('month', cohort, last_month) as last, count(*) as active
  from cohorts
  group by cohort, month, last_month
),
spans as (
  select
    cohort,
    months,
    lead(months, 1, last + 1) over (partition by cohort order by months) as next_months,
    active,
    first_value(active) over (partition by cohort order by months) as customers
  from active
),
ones as (
  select n from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as digits (n)
),
-- Months in which nobody of the cohort ordered are in no row of the data
numbers as (
  select hundreds.n * 100 + tens.n * 10 + ones.n as n
  from ones
  cross join ones as tens
  cross join ones as hundreds
)
select
  cohort,
  cast(n as bigint) as months,
  case when n = spans.months then spans.active else 0 end as active,
  customers,
  round(cast(case when n = spans.months then spans.active else 0 end as double) / customers, 4) as share
from spans
join numbers on n >= spans.months and n < next_months
cross join period
where cohort >= cast(date_trunc('month', first_day) as date)
