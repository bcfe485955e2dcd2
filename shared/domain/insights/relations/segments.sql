-- relation: names of customers by their scores for recency (r) and frequency (f); each of the 25 pairs has exactly one
select segment, r_from, r_to, f_from, f_to
from (
  values
    ('champions', 5, 5, 4, 5),
    ('loyal', 3, 4, 4, 5),
    ('potential_loyalist', 4, 5, 2, 3),
    ('new', 5, 5, 1, 1),
    ('promising', 4, 4, 1, 1),
    ('need_attention', 3, 3, 3, 3),
    ('about_to_sleep', 3, 3, 1, 2),
    ('cannot_lose', 1, 2, 5, 5),
    ('at_risk', 1, 2, 3, 4),
    ('hibernating', 2, 2, 1, 2),
    ('lost', 1, 1, 1, 2)
) as segments (segment, r_from, r_to, f_from, f_to)
