-- What was answered about a person is forgotten when the person leaves; that it was answered stays.
grant update (answer) on platform.idempotency_key to podo_service;
