# ==== settings: what the plan says, line by line =====================================================================
run_id='' token='' workers=1 threads='' gpus='' need_result=1 sequential=0 abort_nan=0
chance_after='' chance_metric='' chance_value='' chance_direction=higher wall_seconds='' idle_seconds=''
grace_seconds=20 heartbeat_seconds=5 poll_seconds=0.5 log_pattern='' secrets_file=''
guard=0 has_meter=0 lease_seconds='' lease_number=1 absent_seconds=3600 stall_seconds=3600
hold_seconds=900 retry_seconds=600 park_seconds=120 guard_poll_seconds=15
while IFS= read -r line; do
  value=${line#*=}
  case $line in
    run_id=*) run_id=$value ;;
    token=*) token=$value ;;
    workers=*) workers=$value ;;
    threads=*) threads=$value ;;
    gpus=*) gpus=$value ;;
    need_result=*) need_result=$value ;;
    sequential=*) sequential=$value ;;
    abort_nan=*) abort_nan=$value ;;
    chance_after=*) chance_after=$value ;;
    chance_metric=*) chance_metric=$value ;;
    chance_value=*) chance_value=$value ;;
    chance_direction=*) chance_direction=$value ;;
    wall_seconds=*) wall_seconds=$value ;;
    idle_seconds=*) idle_seconds=$value ;;
    grace_seconds=*) grace_seconds=$value ;;
    heartbeat_seconds=*) heartbeat_seconds=$value ;;
    poll_seconds=*) poll_seconds=$value ;;
    guard=*) guard=$value ;;
    has_meter=*) has_meter=$value ;;
    lease_seconds=*) lease_seconds=$value ;;
    lease_number=*) lease_number=$value ;;
    absent_seconds=*) absent_seconds=$value ;;
    stall_seconds=*) stall_seconds=$value ;;
    hold_seconds=*) hold_seconds=$value ;;
    retry_seconds=*) retry_seconds=$value ;;
    park_seconds=*) park_seconds=$value ;;
    guard_poll_seconds=*) guard_poll_seconds=$value ;;
    secrets_file=*) secrets_file=$value ;;
    log_pattern=*) log_pattern=$value ;;
  esac
done <plan.env || exit 66
newline='
'
