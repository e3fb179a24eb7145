-- One row per campaign and data test that failed when it last ran, of a table that the campaign's messages come from.
select
    uses.campaign,
    tests.test as cause,
    'the data test ' || tests.test_name || ' of ' || tests.table_name || ' fails' as reason,
from (select unnest(from_json(?, '[{"campaign": "varchar", "model": "varchar"}]'), recursive := true)) as uses
inner join quality.failed_tests as tests on list_contains(tests.concerns, uses.model)
group by all
